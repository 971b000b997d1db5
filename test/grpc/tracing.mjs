import { register } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

// Modules that are imported are seen by this alone.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
const spanProcessors = [new SimpleSpanProcessor(new ConsoleSpanExporter())];
new NodeTracerProvider({ spanProcessors }).register();
registerInstrumentations({ instrumentations: [new GrpcInstrumentation()] });
