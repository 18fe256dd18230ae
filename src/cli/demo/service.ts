/**
 * One version of the demo's service: a small HTTP server, run as a process of its own by the demo.
 *
 * `node service.ts v1`. It tells its parent the port it listens on, answers after a few milliseconds of pretended work,
 * and fails the share of requests that the parent last asked for. It ends when the parent goes away.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Random } from '../../lib/random.ts';

/** Parent to service. */
export interface ServiceOrder {
  /** Share of requests to fail with 500, 0..1. */
  readonly failRatio: number;
}

/** Service to parent: `port` once it listens, then the order it obeys from now on. */
export type ServiceReport = { readonly port: number } | { readonly obeys: ServiceOrder };

const WORK_MS_MIN = 2;
const WORK_MS_MAX = 12;
/** Longer than the gateway keeps an idle connection, so that it is never the service that closes first. */
const KEEP_ALIVE_MS = 60_000;

function serve(version: string, report: (message: ServiceReport) => void): void {
  const random = new Random(version.length * 7919 + (version.codePointAt(version.length - 1) ?? 0));
  const uniform = () => random.nextUint32() / 2 ** 32;
  let failRatio = 0;
  const server = createServer((request, response) => {
    const isFailing = uniform() < failRatio;
    const workMs = WORK_MS_MIN + uniform() * (WORK_MS_MAX - WORK_MS_MIN);
    setTimeout(() => answer(request, response, { version, isFailing }), workMs);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen({ host: '127.0.0.1', port: 0 }, () => report({ port: (server.address() as AddressInfo).port }));
  process.on('message', (order: ServiceOrder) => {
    failRatio = order.failRatio;
    report({ obeys: order });
  });
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  outcome: { readonly version: string; readonly isFailing: boolean },
): void {
  request.resume();
  response.on('error', () => response.destroy());
  const { version, isFailing } = outcome;
  const body = isFailing ? { version, error: 'the demo broke this version' } : { version, total: 42 };
  const headers = { 'content-type': 'application/json', 'x-version': version };
  response.writeHead(isFailing ? 500 : 200, headers).end(`${JSON.stringify(body)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  const send = process.send.bind(process);
  process.on('disconnect', () => process.exit(0));
  serve(process.argv[2] ?? 'v1', (message) => send(message));
}
