export { Ending, firstOf, orAborted, throwIfAborted, whenAborted } from './abort.js';
export { ERROR_FAMILIES, type ErrorCode, type ErrorFamily } from './codes.js';
export { isKeelsonError, KeelsonError, type ErrorDetails } from './keelson-error.js';
