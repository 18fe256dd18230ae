/**
 * One version of the compose demo's service: answers after a few milliseconds, and fails the share that `PUT /fail/0.2` asks for.
 */

import { createServer } from 'node:http';

const version = process.env['VERSION'] ?? 'v1';
let failRatio = 0;

const server = createServer((request, response) => {
  const wished = /^\/fail\/(0|1|0\.\d+)$/.exec(request.url ?? '')?.[1];
  if (request.method === 'PUT' && wished !== undefined) {
    failRatio = Number(wished);
    response.end(`${version} fails ${failRatio} of its requests\n`);
    return;
  }
  const isFailing = Math.random() < failRatio;
  const answer = () => {
    response.writeHead(isFailing ? 500 : 200, { 'content-type': 'application/json', 'x-version': version });
    response.end(`${JSON.stringify(isFailing ? { version, error: 'broken on purpose' } : { version, total: 42 })}\n`);
  };
  setTimeout(answer, 2 + Math.random() * 10);
});
// Longer than the gateway keeps an idle connection.
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env['PORT'] ?? '7001'));
process.once('SIGTERM', () => process.exit(0));
