/** What a writer asks of a log, as its notes hold it: `id` and `bytes` stand for content (content.ts). */

export interface NotedEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: number;
  readonly id: number;
  readonly bytes: number;
}

export interface NotedHardState {
  readonly term: number;
  readonly vote: string | null;
  readonly commit: number;
}

export interface SaveCall {
  readonly name: 'save';
  readonly truncateFrom?: number;
  readonly entries?: readonly NotedEntry[];
  readonly hardState?: Partial<NotedHardState>;
}

export interface SnapshotCall {
  readonly name: 'snapshot';
  readonly index: number;
  readonly id: number;
  readonly bytes: number;
}

export interface InstallCall {
  readonly name: 'install';
  readonly index: number;
  readonly term: number;
  readonly id: number;
  readonly bytes: number;
}

export interface CompactCall {
  readonly name: 'compact';
  readonly upTo: number;
}

export type Call = SaveCall | SnapshotCall | InstallCall | CompactCall;
