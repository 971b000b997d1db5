/** One read or write of one key, as its client saw it. Times are of one clock. */
export interface Operation {
  readonly key: string;
  readonly client: string;
  readonly kind: 'read' | 'write';
  /** What was written or read; null: no value. Each write's value is its own. */
  readonly value: string | null;
  readonly invokedMs: number;
  /** When it was answered; `Infinity` for a write whose fate its client never learned. */
  readonly returnedMs: number;
}

/** Operations by key, each in order of invocation. A register is judged by itself: linearizability is local. */
export function byKey(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.key);
    if (group === undefined) groups.set(operation.key, [operation]);
    else group.push(operation);
  }
  for (const group of groups.values()) group.sort((a, b) => a.invokedMs - b.invokedMs);
  return groups;
}
