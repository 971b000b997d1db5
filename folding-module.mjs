import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

/*
 * `npm run wasm`: src/format/folding.wat as the bytes that are loaded, in base64, so that no file has to be found and read
 * where the package runs. Writes to the path given, or to its place.
 */
const [, , path = 'src/format/generated/folding-module.ts'] = process.argv;
const name = 'folding.wat';
const source = readFileSync(`src/format/${name}`, 'utf8');
const { buffer } = (await wabt()).parseWat(name, source, { simd: true, bulk_memory: true }).toBinary({});
const lines =
  Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,110}/g) ?? [];
const text = lines.map((line) => `  '${line}',\n`).join('');
writeFileSync(
  path,
  `// Made by folding-module.mjs from src/format/${name}. DO NOT EDIT.\n\n/** A WebAssembly module, in base64. */\nexport const FOLDING_MODULE: string = [\n${text}].join('');\n`,
);
