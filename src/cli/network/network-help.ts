import type { NetworkCommand } from './names.js';

/** What each of these commands is told, as a person reads it. */
export const NETWORK_HELP: Readonly<Record<NetworkCommand, string>> = {
  serve: `usage: keelson serve ROOT [options]

Serves the logs below ROOT over gRPC, each a directory of its own, made when a
client first asks for it. Listens on loopback; elsewhere only with --tls-cert.
SIGTERM or SIGINT ends it: what was taken is answered, logs end clean.

  --checkpoints DIR    where clients may have checkpoints made (nowhere)
  --host HOST          where to listen (127.0.0.1)
  --port N             the port (7500); 0 for any, which is said on stdout
  --tls-cert FILE      certificate, PEM; read again on change, as all files are
  --tls-key FILE       its key
  --client-ca FILE     lets in only clients with a certificate of this authority
  --token-file FILE    tokens, one a line, of which each call must carry one
  --metrics-port N     text for Prometheus, at /metrics (docs/metrics.md)
  --segment-bytes N    size of the segments of new logs (67108864)
  --grace-ms N         how long the end may take (10000)`,
  remote: `usage: keelson remote status|verify|dump|compact|checkpoint HOST:PORT/NAME
       [options]

Looks at the log NAME of a server, beside its writer. compact, the one that
changes it, is for a log that no client has. checkpoint has the server write a
copy to its own directory for them.

  --up-to N            of compact: the last index to drop
  --from N --until N   of dump: the entries
  --data FORM          of dump: base64 (default), hex, utf8 or none
  --to NAME            of checkpoint: its name there; keelson clone opens it
  --scope durable|all  of checkpoint: as of keelson checkpoint (durable)
  --json               the answer, an error too, as one JSON object
  --tls-ca FILE        speak TLS, to a server of this authority
  --tls-cert FILE      certificate of this client, if the server asks for one
  --tls-key FILE       its key
  --token-file FILE    the token to send`,
  conformance: `usage: keelson conformance [options] -- COMMAND [ARG..]

Judges a client of the service in any language by the cases that ours passes.
COMMAND is an adapter: it is given requests as lines of JSON, and answers by
lines of JSON (docs/wire-conformance.md). Its environment has KEELSON_ADDRESS,
of a server in a directory of its own that is stopped and killed meanwhile.

  --only TEXT          the cases whose names hold TEXT`,
};
