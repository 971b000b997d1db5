import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/*
 * The last step of `npm run proto`: the service as a descriptor, which the server's reflection hands out, so that no .proto
 * has to be found and read where the package runs. Writes to the path given, or to its place.
 */
const [, , path = 'src/grpc/generated/keelson/v1/raft_log_descriptor.ts'] = process.argv;
const args = ['build', 'src/grpc', '--exclude-source-info', '--as-file-descriptor-set', '-o', '-'];
const set = execFileSync('node_modules/.bin/buf', args);
// Of the set, which holds one file, without the tag and the length in front of it.
const lines =
  set
    .subarray(set.findIndex((byte, at) => at > 0 && byte < 0x80) + 1)
    .toString('base64')
    .match(/.{1,110}/g) ?? [];
const text = lines.map((line) => `  '${line}',\n`).join('');
writeFileSync(
  path,
  `// Made by proto-descriptor.mjs from keelson/v1/raft_log.proto. DO NOT EDIT.\n\n/** A FileDescriptorProto, in base64. */\nexport const DESCRIPTOR: string = [\n${text}].join('');\n`,
);
