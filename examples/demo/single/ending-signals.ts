/** How a person ends a program, or a terminal that closes does: processes and folders must be gone then, too. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
