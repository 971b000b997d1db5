/** For `--engine` of examples/kv: nodes on etcd-io/raft, from the module that `npm run example:etcd-raft` has made. */
import { existsSync } from 'node:fs';
import type { MakeEngine } from '../kv/host/engine.js';
import { etcdEngine } from './etcd-engine.js';
import { compileEngine } from './host/wasm-raft.js';
import { ENGINE_PATH } from './run/build-engine.js';

if (!existsSync(ENGINE_PATH))
  throw new Error(`${ENGINE_PATH} is not there. It is made by: npm run example:etcd-raft`);

const make: MakeEngine = etcdEngine(compileEngine(ENGINE_PATH));
export default make;
