/**
 * A plane whose idempotency keys are brokered in this process, and clients that ask with keys.
 */

import type { ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { Broker } from '#src/fleet/answers/broker.ts';
import { nowMs } from '#src/lib/clock.ts';
import type { AnswersConfig, IdempotencyConfig, ToBroker } from '#src/model/threads/answers/idempotency.ts';
import { DEFAULT_ANSWERS } from '#src/sources/defaults.ts';
import type { PlaneSketch, TestPlane } from '../plane.ts';
import { httpUpstreamOf, planeOf } from '../proxy/running.ts';

const TICK_MS = 10;

export interface Brokered extends TestPlane {
  readonly broker: Broker;
  /** The port to it breaks. */
  cut(): void;
}

/** @param more of the plane and its one route */
export async function brokeredOf(
  t: TestContext,
  port: number,
  config: Partial<IdempotencyConfig> = {},
  more: Partial<PlaneSketch['routes'][number]> & {
    readonly answers?: Partial<AnswersConfig>;
    readonly sketch?: Omit<PlaneSketch, 'routes'>;
  } = {},
): Promise<Brokered> {
  const { answers, sketch, ...route } = more;
  const versions = [{ name: 'v1', ports: [port], weight: 1 }];
  const plane = await planeOf(t, { ...sketch, routes: [{ versions, idempotency: config, ...route }] });
  const broker = new Broker({ ...DEFAULT_ANSWERS, ...answers }, { nowMs, changed: () => undefined });
  const { port1, port2 } = new MessageChannel();
  const client = broker.open((message) => port1.postMessage(message));
  port1.on('message', (message: ToBroker) => client.handle(message));
  port1.on('close', () => client.close());
  plane.plane.join(port2);
  const ticking = setInterval(() => broker.tick(), TICK_MS);
  t.after(() => {
    clearInterval(ticking);
    port1.close();
  });
  return Object.assign(Object.create(plane) as TestPlane, plane, { broker, cut: () => port1.close() });
}

/** A POST with a key. */
export function postOf(key: string, body = 'hello', lines = '', path = '/'): string {
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nIdempotency-Key: ${key}\r\n${lines}`;
  return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** An upstream that counts what it executed; `answer` ends the response. */
export async function countingOf(
  t: TestContext,
  answer: (response: ServerResponse, nth: number, body: string) => void,
) {
  const seen: { bodies: string[]; headers: string[] } = { bodies: [], headers: [] };
  const port = await httpUpstreamOf(t, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.headers.push(JSON.stringify(request.headers));
      seen.bodies.push(body);
      answer(response, seen.bodies.length, body);
    });
  });
  return { port, ...seen };
}

/** Says which one it was. */
export const plain = (response: ServerResponse, nth: number): void => {
  response.writeHead(201, { 'x-nth': String(nth), 'set-cookie': 'a=b' }).end(`order ${nth}`);
};

/** What a client got last. */
export function lastOf(text: string): string {
  return text.slice(text.lastIndexOf('HTTP/1.1 '));
}
