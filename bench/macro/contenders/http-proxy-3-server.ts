/**
 * The process behind the http-proxy-3 contender: `node http-proxy-3-server.ts PORT UPSTREAM_PORT`.
 */

import { randomUUID } from 'node:crypto';
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { UPSTREAM_CONNECTIONS_MAX } from './contender.ts';

const [port, upstreamPort] = process.argv.slice(2).map(Number);

const proxy = createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: UPSTREAM_CONNECTIONS_MAX, maxFreeSockets: UPSTREAM_CONNECTIONS_MAX }),
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
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
