import type { Disk } from '../../src/index.js';
import { createSimulatedDisk, Random, Sometimes } from '../../sim/index.js';

const isMended = process.argv.includes('--mended');
const faults = process.argv.includes('--short-writes') ? { 'short-write': 0.05 } : {};

// The store under test: one number in one file, replaced by the usual rename.
async function save(disk: Disk, value: number): Promise<void> {
  const file = await disk.open('/data/new', { access: 'write', create: 'if-missing' });
  await file.write(new TextEncoder().encode(String(value).padStart(8)), 0);
  await file.dataSync();
  await file.close();
  await disk.rename('/data/new', '/data/value');
  if (isMended) await disk.syncDirectory('/data');
}

async function load(disk: Disk): Promise<number> {
  if ((await disk.stat('/data/value')) === null) return 0;
  const file = await disk.open('/data/value', { access: 'read' });
  const bytes = new Uint8Array(8);
  const count = await file.read(bytes, 0);
  await file.close();
  return Number(new TextDecoder().decode(bytes.subarray(0, count)));
}

// What a search should meet, or it tries less than it says.
const met = new Sometimes([
  'a crash inside a save',
  'a crash at rest',
  'an unanswered save was kept',
  'and lost',
]);

// One life: saves 1, 2, 3 .. until the world stops at a drawn call; then what is left is read by a new process.
async function live(seed: number): Promise<string | null> {
  const disk = createSimulatedDisk({ seed, directories: ['/data'], profile: { faults } });
  const random = new Random(seed);
  const crash = random.pick(['kill', 'power'] as const);
  const at = random.pick(['before', 'inside', 'after'] as const);
  if (random.chance(0.9)) disk.stopAt({ call: 1 + random.below(30), at, crash });
  let [asked, acknowledged] = [0, 0];
  const life = await disk.run(async (environment) => {
    while (asked < 6) {
      await save(environment.disk, ++asked);
      acknowledged = asked;
    }
  });
  if (!life.crashed) disk.crash('power');
  if (!life.crashed) disk.crash(crash);
  const after = await disk.run(({ disk: left }) => load(left));
  const found = after.crashed ? 'nothing' : after.value;
  met.count('a crash at rest', asked === acknowledged);
  met.count('a crash inside a save', asked > acknowledged);
  met.count('an unanswered save was kept', asked > acknowledged && found === asked);
  met.count('and lost', asked > acknowledged && found === acknowledged);
  if (found === acknowledged || found === asked) return null;
  return `seed ${seed}: ${acknowledged} was acknowledged, ${found} was found (${disk.profile.images}, ${disk.profile.metadata})`;
}

let finding: string | null = null;
let seed = 0;
while (finding === null && seed < 2000) finding = await live(++seed);
console.log(finding ?? `${seed} seeds: nothing acknowledged was lost`);
for (const [name, count] of met.counts) console.log(`${name}: ${count}`);
if (finding === null && met.never.length > 0) console.log(`never met: ${met.never.join(', ')}`);
