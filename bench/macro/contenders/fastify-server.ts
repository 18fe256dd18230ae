/**
 * The process behind the fastify contender: `node fastify-server.ts PORT UPSTREAM_PORT`.
 *
 * The proxied Host would be the upstream's; it is put back to the client's, as everybody here forwards it. The upstream's
 * hop-by-hop fields would reach the client and promise a connection that is closed; they are taken out.
 */

import { randomUUID } from 'node:crypto';
import proxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import { UPSTREAM_CONNECTIONS_MAX } from './contender.ts';

const [port = 0, upstreamPort] = process.argv.slice(2).map(Number);

const server = fastify({ keepAliveTimeout: 3_600_000, bodyLimit: 2 ** 30 });
await server.register(proxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: UPSTREAM_CONNECTIONS_MAX, pipelining: 1, keepAliveTimeout: 3_600_000 },
  replyOptions: {
    rewriteHeaders: (headers) => {
      const own = headers;
      delete own['connection'];
      delete own['keep-alive'];
      return own;
    },
    rewriteRequestHeaders: (request, headers) => {
      const own = headers;
      own['host'] = request.headers.host;
      own['x-forwarded-for'] = request.ip;
      own['x-forwarded-proto'] = 'http';
      own['x-forwarded-host'] = request.headers.host;
      own['x-request-id'] = randomUUID();
      return own;
    },
  },
});
await server.listen({ port, host: '127.0.0.1', backlog: 4096 });
