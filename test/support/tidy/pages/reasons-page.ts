/**
 * Makes docs/reasons.md from the table of reasons: `npm run docs` writes it, a test holds the two together.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { REASONS } from '#src/model/reason.ts';

const PAGE = new URL('../../../../docs/reasons.md', import.meta.url);

const INTRODUCTION = `# Reasons

Why Sluice answered a request itself, or gave up on it. Made from \`src/model/reason.ts\` by \`npm run docs\`; do not edit.

The answer is \`application/problem+json\` (plain text for clients that take no JSON) with the reason in the member
\`reason\` and, after RFC 9209, in \`Proxy-Status\`. Status "closed": no answer can be given, the connection is closed.
"Version" and "route" say what the exchange does to the SLI of the version and to that of the route.

"Another attempt" is what a reason allows. After \`response_timeout\` one is made only while the request itself has time left
(\`timeouts.backendRequest\` and \`timeouts.firstByte\` are times of one attempt).

Exceptions: \`client_closed\` is bad for both when the client had waited longer than the route's latency threshold for an
answer that had not begun, and good for both when the client left an event stream or a call of gRPC of which something had come. \`stream_ended\` is good for both in the latter case as well.
\`client_deadline\` is bad for both when the client had waited longer than that threshold.

| reason | status | fault | version | route | another attempt | Proxy-Status | meaning |
|---|---|---|---|---|---|---|---|
`;

/** The whole page. */
export function reasonsPage(): string {
  const rows = REASONS.map((row) => {
    const given =
      row.name === 'none' ? 'the upstream’s' : row.name === 'idempotency_replayed' ? 'the earlier one' : 'closed';
    const status = row.status === 0 ? given : row.status;
    const cells = [
      row.name,
      status,
      row.fault,
      row.versionEffect,
      row.routeEffect,
      row.retry,
      row.proxyError,
      row.title,
    ];
    return `| ${cells.map((cell) => (cell === '' ? '–' : cell)).join(' | ')} |`;
  });
  return `${INTRODUCTION}${rows.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, reasonsPage());
