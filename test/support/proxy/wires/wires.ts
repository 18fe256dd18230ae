/**
 * Two wires at the ends of one loopback connection, each with an owner that writes down what it is told.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { TestContext } from 'node:test';
import type { Handle, ServerHandle } from '#src/proxy/wire/binding.ts';
import { connectTo } from '#src/proxy/wire/connect.ts';
import { Wire, type WireOwner } from '#src/proxy/wire/wire.ts';

/** Bounds every wait: reached only when something hangs. */
const HANG_MS = 60_000;

/** One end. */
export class End implements WireOwner {
  readonly wire: Wire;
  /** What the owner was told, in order; reads as `received`, one after another as one. */
  readonly news: string[] = [];
  readonly read: Buffer[] = [];
  /** Called within each report, after it was written down. */
  onNews: (what: string) => void = () => undefined;
  #changed: () => void = () => undefined;

  constructor(handle: Handle, memoryBytes: number) {
    this.wire = new Wire(handle, Buffer.allocUnsafeSlow(memoryBytes), this);
  }

  received(count: number): void {
    this.read.push(Buffer.from(this.wire.memory.subarray(0, count)));
    if (this.news.at(-1) !== 'received') this.news.push('received');
    this.#tell('received');
  }

  ended(): void {
    this.#note('ended');
  }

  broken(code: string): void {
    this.#note(code);
  }

  flushed(): void {
    this.#note('flushed');
  }

  /** All that was read. */
  get bytes(): Buffer {
    return Buffer.concat(this.read);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  /** Resolves once `holds`, which is asked at every report. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`hangs; so far: ${this.news.join(', ')}`)), HANG_MS);
      this.#changed = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#changed = () => undefined;
        resolve();
      };
      this.#changed();
    });
  }

  #note(what: string): void {
    this.news.push(what);
    this.#tell(what);
  }

  #tell(what: string): void {
    this.onNews(what);
    this.#changed();
  }
}

/** A listening socket that hands out handles. */
export interface Gate {
  readonly port: number;
  /** Connects and resolves with both handles. */
  pair(): Promise<[Handle, Handle]>;
  close(): void;
}

/** @param port any free one by default. */
export async function openGate(host = '127.0.0.1', port = 0): Promise<Gate> {
  const server: Server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const accepted: ((handle: Handle) => void)[] = [];
  (server as unknown as { _handle: ServerHandle })._handle.onconnection = (_status, client) => {
    const take = accepted.shift();
    if (take === undefined) client?.close();
    else take(client as Handle);
  };
  return {
    port: address.port,
    pair: () =>
      Promise.all([
        connected(address.port),
        new Promise<Handle>((resolve) => {
          accepted.push(resolve);
        }),
      ]),
    close: () => server.close(),
  };
}

export function connected(port: number): Promise<Handle> {
  return new Promise((resolve, reject) => {
    connectTo('127.0.0.1', port, (handle, code) => (handle === null ? reject(new Error(code)) : resolve(handle)));
  });
}

/** Two ends of one connection, closed with the test. */
export async function endsOf(t: TestContext, memoryBytes = 65_536): Promise<[End, End]> {
  const gate = await openGate();
  const [left, right] = await gate.pair();
  gate.close();
  const ends: [End, End] = [new End(left, memoryBytes), new End(right, memoryBytes)];
  t.after(() => {
    for (const { wire } of ends) wire.close();
  });
  return ends;
}

/** So many rounds of the event loop. */
export async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve));
}
