import type { Tally } from './tally.js';

const LINES_EVERY_MS = 10_000;
let toldMs = 0;

/** How far a run is: one line, written over at a terminal, and now and then elsewhere. */
export function showProgress(what: string, tally: Tally, secondsLeft: number): void {
  const now = performance.now();
  if (now - toldMs < (process.stderr.isTTY ? 200 : LINES_EVERY_MS)) return;
  toldMs = now;
  const left = `${Math.max(0, Math.round(secondsLeft))} s left`;
  const line = `${what}: ${tally.cuts} cuts, ${tally.answered} answers, ${tally.violations.length} violations, ${left}`;
  process.stderr.write(process.stderr.isTTY ? `\r${line.padEnd(78)}` : `${line}\n`);
}

export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${''.padEnd(78)}\r`);
}
