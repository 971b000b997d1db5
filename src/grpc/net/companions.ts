import type { Server } from '@grpc/grpc-js';
import { DESCRIPTOR } from '../generated/keelson/v1/raft_log_descriptor.js';
import { SERVICE_NAME } from './service-definition.js';

/** The name under which health answers for the whole server. */
const WHOLE_SERVER = '';

/** The health of the server, for those who ask before they send; the function says how it is. */
export async function addHealth(server: Server): Promise<(status: 'SERVING' | 'NOT_SERVING') => void> {
  const { HealthImplementation } = await import('grpc-health-check');
  const health = new HealthImplementation({ [WHOLE_SERVER]: 'NOT_SERVING', [SERVICE_NAME]: 'NOT_SERVING' });
  health.addToServer(server);
  return (status) => {
    health.setStatus(WHOLE_SERVER, status);
    health.setStatus(SERVICE_NAME, status);
  };
}

/** What the service is, for tools that ask the server itself. */
export async function addReflection(server: Server): Promise<void> {
  const { ReflectionService } = await import('@grpc/reflection');
  const file = { fileDescriptorProtos: [Buffer.from(DESCRIPTOR, 'base64')] };
  const service = new ReflectionService({ [SERVICE_NAME]: file } as never, { services: [SERVICE_NAME] });
  service.addToServer(server);
}
