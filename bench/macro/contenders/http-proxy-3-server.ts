/**
 * The process behind the http-proxy-3 contender: `node http-proxy-3-server.ts PORT UPSTREAM_PORT`.
 */

import { randomUUID } from 'node:crypto';
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [port, upstreamPort] = process.argv.slice(2).map(Number);

const proxy = createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 }),
  xfwd: true,
});
proxy.on('error', (error, _request, response) => {
  process.stderr.write(`${error.message}\n`);
  response.destroy();
});

const server = createServer((request, response) => {
  request.headers['x-request-id'] = randomUUID();
  proxy.web(request, response);
});
server.keepAliveTimeout = 3_600_000;
server.listen(port, '127.0.0.1');
