/** The only hosts that are listened on or called: nothing here is encrypted or authenticated. */
const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\]):(\d{1,5})$/;

/** Returns why `address` cannot be used, or null. */
export function addressFault(address: string): string | null {
  const port = Number(LOOPBACK.exec(address)?.[2] ?? '0');
  if (port >= 1 && port <= 65_535) return null;
  return `'${address}' is not HOST:PORT on loopback (127.0.0.1:7101, say): calls are neither encrypted nor authenticated`;
}
