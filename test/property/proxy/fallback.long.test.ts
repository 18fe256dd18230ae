/** Chains of any steps over versions in any state answer, and bill, as a slow and obvious reading of the rules says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { CELL } from '#src/model/tallies.ts';
import { FALLBACK_KINDS, type FallbackKind } from '#src/model/threads/answers/fallback.ts';
import { asking, SORRY, STALE } from '../../support/http/fallen.ts';
import type { FallbackSketch, PlaneSketch } from '../../support/plane.ts';
import { readCell } from '../../support/plane.ts';
import {
  assertQuiet,
  eventually,
  FIRST_CELL,
  planeOf,
  ROUTE_CELL,
  refusedPortOf,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { sendAndClose } from '../../support/raw.ts';

const ROUNDS = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 150 : 40;
const REQUESTS = 4;
const PATHS = 3;
/** What a version may be in, and how it fails then. */
const STATES = { ok: '', refused: 'connect_refused', reset: 'upstream_reset', empty: 'no_endpoint' } as const;
type State = keyof typeof STATES;
const REASONS = ['connect_refused', 'upstream_reset', 'no_endpoint'];

interface Step {
  readonly kind: FallbackKind;
  readonly on: readonly string[];
  /** Of the version that is asked. */
  readonly spare: State;
}

interface Round {
  readonly state: State;
  readonly steps: readonly Step[];
}

/** What the rules come to. */
class Reference {
  /** Paths of which an answer is kept. */
  readonly kept = new Set<string>();
  readonly counts: Record<FallbackKind, number> = { stale: 0, service: 0, static: 0 };
  finished = 0;
  /** Of the route, and of its version. */
  bad = 0;
  versionBad = 0;

  answer({ state, steps }: Round, isPost: boolean, path: string): string {
    this.finished += 1;
    if (state === 'ok') {
      if (!isPost && steps.some(({ kind }) => kind === 'stale')) this.kept.add(path);
      return 'v1';
    }
    this.versionBad += 1;
    let wasSent = state === 'reset';
    for (const { kind, on, spare } of steps) {
      if (!on.includes(STATES[state])) continue;
      if (kind === 'stale' && (isPost || !this.kept.has(path))) continue;
      if (kind === 'service' && isPost && wasSent) continue;
      this.counts[kind] += 1;
      if (kind !== 'service') return kind === 'stale' ? 'v1' : 'sorry';
      if (spare === 'ok') return 'spare';
      wasSent ||= spare === 'reset';
    }
    this.bad += 1;
    return 'failure';
  }
}

/** Answers with its name to every request, whose body has two bytes if it has one. */
function answering(name: string): Parameters<typeof upstreamOf>[1] {
  return (socket, received) => {
    const isWhole = received.startsWith('POST') ? received.endsWith('\r\n\r\nhi') : received.endsWith('\r\n\r\n');
    if (isWhole) socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
  };
}

test('whatever fails, the answer and the accounts are those of the rules', async (t) => {
  const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
  t.diagnostic(`FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const drawn = <T>(from: readonly T[]): T => from[random.nextUint32() % from.length] as T;
  const [own, spare, reset] = await Promise.all([
    upstreamOf(t, answering('v1')),
    upstreamOf(t, answering('spare')),
    upstreamOf(t, (socket) => socket.resetAndDestroy()),
  ]);
  const refused = await refusedPortOf(t);
  const portsOf = (state: State, port: number): number[] =>
    state === 'empty' ? [] : [{ ok: port, refused, reset: reset.port }[state]];
  const draw = (): Round => {
    const steps = Array.from({ length: random.nextUint32() % 4 }, (): Step => {
      const on = REASONS.filter(() => random.nextFloat() < 0.7);
      return { kind: drawn(FALLBACK_KINDS), on, spare: drawn(Object.keys(STATES) as State[]) };
    });
    return { state: drawn(['ok', 'refused', 'reset', 'empty']), steps };
  };
  const sketchOf = ({ state, steps }: Round): PlaneSketch => {
    const fallback = steps.map(({ kind, on, spare: at }): FallbackSketch => {
      if (kind === 'service') return { ...asking(...portsOf(at, spare.port)), on };
      return kind === 'stale' ? { ...STALE, on } : { ...SORRY, on };
    });
    return { routes: [{ versions: [{ name: 'v1', ports: portsOf(state, own.port), weight: 1 }], fallback }] };
  };

  const reference = new Reference();
  const plane = await planeOf(t, sketchOf({ state: 'ok', steps: [] }));
  for (let n = 0; n < ROUNDS; n++) {
    const round = draw();
    plane.swap(sketchOf(round));
    for (let m = 0; m < REQUESTS; m++) {
      const isPost = random.nextFloat() < 0.3;
      const path = `/${random.nextUint32() % PATHS}`;
      const expected = reference.answer(round, isPost, path);
      const head = `${isPost ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`;
      const received = await sendAndClose(plane.port, `${head}${isPost ? 'Content-Length: 2\r\n\r\nhi' : '\r\n'}`);
      const got = /^HTTP\/1\.1 50[23]/.test(received) ? 'failure' : received.slice(received.indexOf('\r\n\r\n') + 4);
      assert.equal(got, expected, `round ${n}, request ${m}: ${JSON.stringify({ round, isPost, path })}`);
    }
  }
  await eventually(() => readCell(plane, ROUTE_CELL).finished === reference.finished, 'all are over');
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, 50, 51, 52], [own.port, spare.port, reset.port]);
  assert.equal(readCell(plane, ROUTE_CELL).bad, reference.bad);
  assert.equal(readCell(plane, FIRST_CELL).bad, reference.versionBad);
  const counts = FALLBACK_KINDS.map((kind, n) => [kind, plane.count(ROUTE_CELL, CELL.fallbacks + n)]);
  assert.deepEqual(Object.fromEntries(counts), reference.counts);
});
