/**
 * The upstream: `node upstream-child.ts JSON` (an `UpstreamOrder`). A fixed number of servers with one queue.
 *
 * It speaks as much HTTP/1.1 as requests without bodies need, straight on its sockets: with the load it has one core, and at 8,000 requests
 * per second whatever it spends there makes the load late.
 *
 * A request takes a server as long as the shape says, by a timer: what is short is not the processor but servers, as with a
 * service that waits for its database. What was begun or waits is done to the end, also for clients that have gone away. A
 * server's next request begins when its last one should have ended, so that late timers take away no capacity.
 */

import { createServer, type Socket } from 'node:net';
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

const HEAD_END = '\r\n\r\n';
const STATS = 'GET /stats ';
const ANSWER = Buffer.from(answerOf('{"items":[]}'));
/** Served requests whose places in the queue are given back at once. */
const TRIM_AT = 10_000;

function answerOf(json: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${json.length}${HEAD_END}${json}`;
}

class Servers {
  readonly #shape: Shape;
  readonly #random: Random;
  readonly #queue: Socket[] = [];
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

  ask(client: Socket): void {
    this.#asked += 1;
    if (this.#busy < this.#shape.servers) {
      this.#busy += 1;
      this.#begin(client, performance.now());
    } else {
      this.#queue.push(client);
    }
    this.#presentMax = Math.max(this.#presentMax, this.#busy + this.#queue.length - this.#first);
  }

  #begin(client: Socket, atMs: number): void {
    const endMs = atMs + serviceMs(this.#random, this.#shape, this.#queue.length - this.#first);
    setTimeout(() => this.#end(client, endMs), endMs - performance.now());
  }

  #end(client: Socket, atMs: number): void {
    client.write(ANSWER);
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

/** Reads requests off a connection, one after the other; their heads come whole or in pieces. */
function serve(client: Socket): void {
  let rest = '';
  client.setNoDelay(true);
  client.setEncoding('latin1');
  client.on('data', (text: string) => {
    rest += text;
    for (let end = rest.indexOf(HEAD_END); end >= 0; end = rest.indexOf(HEAD_END)) {
      if (rest.startsWith(STATS)) client.write(answerOf(JSON.stringify(servers.stats)));
      else servers.ask(client);
      rest = rest.slice(end + HEAD_END.length);
    }
  });
  // Clients may leave whenever they like; what they asked for is done to its end.
  client.on('error', () => client.destroy());
}

createServer(serve).listen({ port: order.port, host: '127.0.0.1', backlog: 4096 });
