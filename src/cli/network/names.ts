/** Commands that speak over a network. They take other things than a directory, and have a help of their own. */
export const NETWORK_COMMANDS = ['serve', 'remote', 'conformance'] as const;
export type NetworkCommand = (typeof NETWORK_COMMANDS)[number];

/** The one that a command line asks for, or for whose help; null for none. */
export function networkCommandOf([first, second]: readonly string[]): NetworkCommand | null {
  const name = first === 'help' ? second : first;
  return NETWORK_COMMANDS.find((one) => one === name) ?? null;
}
