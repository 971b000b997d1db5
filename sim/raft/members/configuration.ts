/** Name of a server, 1..255 bytes of UTF-8; never used again for another server. */
export type NodeId = string;

/** Who takes part: voters elect and commit, learners only receive the log (dissertation §4.2.1). Both sorted. */
export interface Configuration {
  /** They elect and commit. */
  readonly voters: readonly NodeId[];
  /** They only receive the log. */
  readonly learners: readonly NodeId[];
}

/** One change of one server; joint consensus is not needed for these (dissertation §4.1). */
export interface ConfChange {
  /** What happens to it; a learner that is added as voter is promoted. */
  readonly op: 'add-voter' | 'add-learner' | 'remove';
  /** The server. */
  readonly id: NodeId;
}

/** Of a server that waits to be added: it learns the real one from the log. */
export const NO_CONFIGURATION: Configuration = Object.freeze({ voters: [], learners: [] });

/** The configuration after `change`. Adding a learner as voter promotes it; a voter is never made a learner. */
export function changed(configuration: Configuration, change: ConfChange): Configuration {
  const voters = configuration.voters.filter((id) => id !== change.id);
  const learners = configuration.learners.filter((id) => id !== change.id);
  if (change.op === 'add-voter') voters.push(change.id);
  if (change.op === 'add-learner') {
    if (configuration.voters.includes(change.id)) return configuration;
    learners.push(change.id);
  }
  return { voters: voters.sort(), learners: learners.sort() };
}

export function isMember(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.learners.includes(id);
}

/** The bytes that a snapshot carries as its `conf`, and the data of an entry of kind `configuration`. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  return toBytes({ voters: [...configuration.voters].sort(), learners: [...configuration.learners].sort() });
}

/** Reads what {@link encodeConfiguration} wrote; throws a `TypeError` that quotes anything else. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const value = fromBytes(bytes);
  if (isRecord(value) && isIdList(value['voters']) && isIdList(value['learners'])) {
    return { voters: value['voters'], learners: value['learners'] };
  }
  throw new TypeError(`not a configuration: ${JSON.stringify(value)}`);
}

function toBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function fromBytes(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isIdList(value: unknown): value is NodeId[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string');
}
