/**
 * The compose demo's users: 50 requests per second of 3,000 users, sent on time whatever comes back.
 */

const [, , url = 'http://127.0.0.1:8080/checkout'] = process.argv;
let sent = 0;
let failed = 0;

setInterval(() => {
  const user = `user-${sent++ % 3000}`;
  fetch(url, { headers: { 'x-user-id': user }, signal: AbortSignal.timeout(5000) })
    .then(async (response) => {
      await response.arrayBuffer();
      if (response.status >= 500) failed++;
    })
    .catch(() => failed++);
}, 20);
setInterval(() => process.stdout.write(`${sent} requests, ${failed} failed\n`), 10_000);
process.once('SIGTERM', () => process.exit(0));
