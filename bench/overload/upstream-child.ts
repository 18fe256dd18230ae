/**
 * The upstream: `node upstream-child.ts JSON` (an `UpstreamOrder`). A fixed number of servers with one queue.
 *
 * A request takes a server as long as the shape says, by a timer: what is short is not the processor but servers, as with a
 * service that waits for its database. What was begun or waits is done to the end, also for clients that have gone away. A
 * server's next request begins when its last one should have ended, so that late timers take away no capacity.
 */

import { createServer, type ServerResponse } from 'node:http';
import { Random } from '../../src/lib/random.ts';
import { type Shape, serviceMs } from '../../test/support/simulate/load/shapes.ts';

export interface UpstreamOrder {
  readonly port: number;
  readonly shape: Shape;
  readonly seed: number;
}

/** What `GET /stats` answers. */
export interface UpstreamStats {
  /** Requests that came in. */
  readonly asked: number;
  /** Most that were there at once, waiting ones included. */
  readonly presentMax: number;
}

const BODY = '{"items":[]}';
const HEAD = { 'Content-Type': 'application/json', 'Content-Length': BODY.length };
/** Served requests whose places in the queue are given back at once. */
const TRIM_AT = 10_000;

class Servers {
  readonly #shape: Shape;
  readonly #random: Random;
  readonly #queue: ServerResponse[] = [];
  #first = 0;
  #busy = 0;
  #asked = 0;
  #presentMax = 0;

  constructor({ shape, seed }: UpstreamOrder) {
    this.#shape = shape;
    this.#random = new Random(seed);
  }

  get stats(): UpstreamStats {
    return { asked: this.#asked, presentMax: this.#presentMax };
  }

  ask(response: ServerResponse): void {
    this.#asked += 1;
    if (this.#busy < this.#shape.servers) {
      this.#busy += 1;
      this.#begin(response, performance.now());
    } else {
      this.#queue.push(response);
    }
    this.#presentMax = Math.max(this.#presentMax, this.#busy + this.#queue.length - this.#first);
  }

  #begin(response: ServerResponse, atMs: number): void {
    const endMs = atMs + serviceMs(this.#random, this.#shape, this.#queue.length - this.#first);
    setTimeout(() => this.#end(response, endMs), endMs - performance.now());
  }

  #end(response: ServerResponse, atMs: number): void {
    response.writeHead(200, HEAD).end(BODY);
    const next = this.#queue[this.#first];
    if (next === undefined) {
      this.#busy -= 1;
      return;
    }
    this.#first += 1;
    if (this.#first >= TRIM_AT) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    this.#begin(next, atMs);
  }
}

const order = JSON.parse(process.argv[2] ?? '') as UpstreamOrder;
const servers = new Servers(order);
const server = createServer((request, response) => {
  request.resume();
  if (request.url === '/stats') response.end(JSON.stringify(servers.stats));
  else servers.ask(response);
});
server.keepAliveTimeout = 3_600_000;
server.requestTimeout = 0;
server.listen({ port: order.port, host: '127.0.0.1', backlog: 4096 });
