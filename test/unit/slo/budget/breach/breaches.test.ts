/** Who is behind a breach, by what was counted: who stands out is named with numbers, nobody else. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, REASON_COUNT } from '#src/model/reason.ts';
import { Breaches, type BreachSpec, type CellReading, type EndpointReading } from '#src/slo/budget/breach/breaches.ts';

const MINUTE_MS = 60_000;

interface Work {
  readonly finished: number;
  readonly bad?: number;
  readonly reason?: number;
  readonly queue?: number;
  readonly connect?: number;
  readonly tls?: number;
  readonly firstByte?: number;
  readonly body?: number;
}

/** A route per name, with versions v1 and v2 of a service in cells 10 n + 1 and + 2; each has two endpoints. */
class Desk {
  readonly cells = new Map<number, CellReading>();
  readonly endpoints = new Map<number, EndpointReading>();
  nowMs = 0;
  readonly breaches = new Breaches({
    cellOf: (cell) => this.cells.get(cell) ?? cellOf({ finished: 0 }),
    endpointOf: (id) => this.endpoints.get(id) ?? { requests: 0, bad: 0, answered: 0, waitedMs: 0 },
  });

  constructor(services: readonly string[]) {
    this.breaches.follow(services.map(specOf), 0);
  }

  /** `n`: of the route; `version` and `endpoint`: 1 or 2. */
  work(n: number, version: number, endpoint: number, work: Work): void {
    const cell = 10 * n + version;
    const { finished, bad = 0, queue = 0, connect = 0, tls = 0, firstByte = 0 } = work;
    this.cells.set(cell, summed(this.cells.get(cell) ?? cellOf({ finished: 0 }), cellOf(work)));
    const id = 10 * cell + endpoint;
    const before = this.endpoints.get(id) ?? { requests: 0, bad: 0, answered: 0, waitedMs: 0 };
    this.endpoints.set(id, {
      requests: before.requests + finished,
      bad: before.bad + bad,
      answered: before.answered + finished,
      waitedMs: before.waitedMs + queue + connect + tls + firstByte,
    });
  }

  /** Ten calm minutes on both versions of these routes. */
  calm(routes: readonly number[]): void {
    for (let minute = 0; minute < 10; minute++) {
      for (const n of routes) {
        for (const version of [1, 2]) {
          for (const endpoint of [1, 2]) {
            this.work(n, version, endpoint, { finished: 1000, bad: 0, connect: 100, firstByte: 5000, body: 500 });
          }
        }
      }
      this.nowMs += MINUTE_MS;
      for (const _ of routes) this.breaches.turn(this.nowMs);
    }
    this.nowMs += 2 * MINUTE_MS;
  }

  explain(name: string, indicator: 'availability' | 'latency', scope: 'route' | 'service' = 'route'): string {
    return this.breaches.explain({ scope, name }, indicator, this.nowMs);
  }
}

function specOf(service: string, n: number): BreachSpec {
  const version = (m: number) => {
    const cell = 10 * n + m;
    const endpoints = [1, 2].map((e) => ({ id: 10 * cell + e, address: `10.0.${cell}.${e}:80` }));
    return { service, version: `v${m}`, cell, endpoints };
  };
  return { route: `r${n}`, versions: [version(1), version(2)] };
}

function cellOf({ finished, bad = 0, reason, ...times }: Work): CellReading {
  const { queue = 0, connect = 0, tls = 0, firstByte = 0, body = 0 } = times;
  const reasons = new Float64Array(REASON_COUNT);
  if (reason !== undefined) reasons[reason] = bad;
  return { finished, bad, reasons, attempts: finished, phaseMs: { queue, connect, tls, firstByte, body } };
}

function summed(a: CellReading, b: CellReading): CellReading {
  const phases = ['queue', 'connect', 'tls', 'firstByte', 'body'] as const;
  const phaseMs = Object.fromEntries(phases.map((phase) => [phase, a.phaseMs[phase] + b.phaseMs[phase]]));
  return {
    finished: a.finished + b.finished,
    bad: a.bad + b.bad,
    reasons: Float64Array.from(a.reasons, (count, n) => count + (b.reasons[n] as number)),
    attempts: a.attempts + b.attempts,
    phaseMs: phaseMs as unknown as CellReading['phaseMs'],
  };
}

describe('a breach of latency', () => {
  it('is the phase in which attempts take longer than in the calm time, and the endpoint and version where they do', () => {
    const desk = new Desk(['s']);
    desk.calm([0]);
    desk.work(0, 1, 1, { finished: 1000, connect: 100, firstByte: 5000, body: 500 });
    desk.work(0, 2, 1, { finished: 1000, connect: 300, firstByte: 5000, body: 500 });
    desk.work(0, 2, 2, { finished: 1000, connect: 100, firstByte: 95_000, body: 500 });
    assert.equal(
      desk.explain('r0', 'latency'),
      '100 % of the added time is waiting for the first byte, 100 % of it at endpoint 10.0.2.2:80, 100 % of it at version s v2',
    );
  });

  it('is the connecting, the TLS handshake, the queue or the body where these are slow', () => {
    for (const [phase, words] of [
      ['connect', 'connecting'],
      ['tls', 'the TLS handshake'],
      ['queue', 'waiting for a connection to be free'],
      ['body', 'the body'],
    ] as const) {
      const desk = new Desk(['s']);
      desk.calm([0]);
      for (const version of [1, 2]) desk.work(0, version, 1, { finished: 100, firstByte: 500, [phase]: 9000 });
      assert.match(desk.explain('r0', 'latency'), new RegExp(`^\\d+ % of the added time is ${words}`), phase);
    }
  });

  it('is nobody’s while everything takes what it usually does, or nothing was counted', () => {
    const desk = new Desk(['s']);
    assert.equal(desk.explain('r0', 'latency'), '');
    desk.calm([0]);
    desk.work(0, 1, 1, { finished: 9000, connect: 900, firstByte: 45_000, body: 4500 });
    assert.equal(desk.explain('r0', 'latency'), '');
    assert.equal(desk.explain('unknown', 'latency'), '');
  });
});

describe('a breach of availability', () => {
  it('is the phase of its reasons, the endpoint and the version that fail', () => {
    const desk = new Desk(['s']);
    desk.calm([0]);
    desk.work(0, 1, 1, { finished: 1000 });
    desk.work(0, 2, 2, { finished: 1000, bad: 300, reason: REASON.connectRefused });
    assert.equal(
      desk.explain('r0', 'availability'),
      'phase connect: 100 % of the additional failures, 300 of 2000; ' +
        'endpoint 10.0.2.2:80: 100 % of the additional failures, 300 of 1000; ' +
        'version s v2: 100 % of the additional failures, 300 of 1000',
    );
  });

  it('without a reason is the upstream’s answer: the first byte', () => {
    const desk = new Desk(['s']);
    desk.calm([0]);
    for (const version of [1, 2])
      for (const e of [1, 2]) desk.work(0, version, e, { finished: 100, bad: 50, reason: REASON.none });
    assert.equal(desk.explain('r0', 'availability'), 'phase first-byte: 100 % of the additional failures, 200 of 400');
  });

  it('is a dependency where a service fails on several routes that share it, and other services do not', () => {
    const desk = new Desk(['s', 's', 'other']);
    desk.calm([0, 1, 2]);
    for (const n of [0, 1]) for (const version of [1, 2]) desk.work(n, version, 1, { finished: 100, bad: 50 });
    for (const version of [1, 2]) desk.work(2, version, 1, { finished: 100 });
    assert.match(
      desk.explain('r0', 'availability'),
      /dependency s: 100 % .*, 200 of 400, on 2 routes that share it \(r0, r1\)$/,
    );
    assert.match(desk.explain('s', 'availability', 'service'), /dependency s: /);
    assert.doesNotMatch(desk.explain('r2', 'availability'), /dependency/);
  });

  it('of one route alone is none of its service', () => {
    const desk = new Desk(['s', 's', 'other']);
    desk.calm([0, 1, 2]);
    desk.work(0, 1, 1, { finished: 100, bad: 50 });
    for (const n of [1, 2]) desk.work(n, 1, 1, { finished: 100 });
    assert.doesNotMatch(desk.explain('r0', 'availability'), /dependency/);
  });
});

describe('the watch', () => {
  it('forgets a route whose endpoints changed, and keeps the others', () => {
    const desk = new Desk(['s', 's']);
    desk.calm([0, 1]);
    for (const n of [0, 1]) desk.work(n, 2, 2, { finished: 1000, bad: 300 });
    const other = { ...specOf('s', 1), versions: specOf('s', 1).versions.slice(0, 1) };
    desk.breaches.follow([specOf('s', 0), other], desk.nowMs);
    assert.match(desk.explain('r0', 'availability'), /300 of 1000$/);
    assert.equal(desk.explain('r1', 'availability'), '');
  });
});
