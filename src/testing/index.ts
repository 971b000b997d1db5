/**
 * `keelson/testing`: the conformance suite for implementers of `RaftLog`. Needs the optional peer `fast-check`.
 *
 * @module keelson/testing
 */
export { testRaftLogConformance } from './conformance.js';
export type { ConformanceHarness, ConformancePropertyOptions, ConformanceSupport } from './harness.js';
