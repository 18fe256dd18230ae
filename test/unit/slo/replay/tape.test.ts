/** What is written down comes back row by row, in segments whose hashes follow one another. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Evidence, PairCounts } from '#src/model/slo.ts';
import type { Segment } from '#src/model/threads/state.ts';
import { type Facts, type OpenRow, TAPE_FORMAT, type TapeRow } from '#src/slo/replay/format.ts';
import { TapeReader } from '#src/slo/replay/read.ts';
import { SEGMENT_BYTES, Tape } from '#src/slo/replay/tape.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import type { Look } from '#src/slo/verdict/score/account.ts';
import { SPEC } from '../../../support/simulate/detection.ts';

const AT = '2026-01-01T00:00:00.000Z';
const OPEN: OpenRow = {
  format: TAPE_FORMAT,
  watch: 'w',
  at: AT,
  nowMs: 1000,
  spec: SPEC,
  weight: 5,
  rollout: IDLE,
  rolledBackBy: null,
};
const FACTS: Facts = {
  id: 1,
  at: AT,
  shadow: null,
  decidedAtMs: 1.5,
  switchedInMs: 0.1,
  weightBefore: 5,
  weightAfter: 0,
  why: '',
  canaryMs: 12.5,
  stableMs: null,
};

function setup(): { readonly tape: Tape; readonly segments: Segment[] } {
  const segments: Segment[] = [];
  return { segments, tape: new Tape({ keep: (segment) => segments.push(segment), wallTime: () => AT }, OPEN) };
}

function pair(cf: number, cb: number, sf: number, sb: number): PairCounts {
  return { canary: { finished: cf, bad: cb }, stable: { finished: sf, bad: sb } };
}

const NOTHING = pair(0, 0, 0, 0);
const QUIET: Look = { requests: NOTHING, users: NOTHING, isConsistent: true, attempts: null };
const NO_TRIALS = Array.from({ length: 6 }, () => NOTHING);

/** Looks are the reader's own, so they are copied. */
function read(segments: readonly Segment[]): TapeRow[] {
  const reader = new TapeReader();
  return segments.flatMap(({ bytes }) => [...reader.rows(bytes)].map((row) => structuredClone(row)));
}

describe('a tape', () => {
  it('gives back every kind of row', () => {
    const { tape, segments } = setup();
    const look: Look = {
      requests: pair(5, 1, 95, 2),
      users: pair(4, 1, 300_000, 0),
      isConsistent: false,
      attempts: [{ finished: 7, bad: 3 }],
    };
    const trials = Array.from({ length: 6 }, (_, k) => pair(k, 0, 90 + k, k));
    const limits = { stableMs: [1, 2, 3, 4, 5, 6.5], canaryMs: [1.1, 2.2, 3.3, 4.4, 5.5, 7] };
    const command = { name: 'start', route: 'checkout', by: 'api', reason: 'ö', isFix: false } as const;
    const reading = { remainingRatio: 0.25, remainingEvents: 12.5, alert: 'page' };
    tape.budget(reading, false);
    tape.look(look, trials, 1100);
    tape.freeze(limits);
    tape.freeze(null);
    tape.skip(900, -200);
    tape.weigh(25, 1000);
    tape.spec({ spec: SPEC, weight: 3, isFresh: true, isNew: false }, 1001);
    tape.meet(['10.0.0.1:80', '[::1]:80'], 1001);
    tape.budget(reading, true);
    tape.budget({ remainingRatio: null, remainingEvents: null, alert: null }, true);
    tape.command(command, 1050);
    tape.note([
      { atMs: 1000.5, requestId: 'ab'.repeat(16) },
      { atMs: 1000.25, requestId: '' },
    ]);
    tape.decided(FACTS);
    assert.deepEqual(read(segments), [
      { kind: 'open', open: OPEN },
      { kind: 'budget', budget: { ...reading, remainingEvents: null } },
      { kind: 'look', nowMs: 1100, look, trials },
      { kind: 'freeze', nowMs: 1100, limits },
      { kind: 'freeze', nowMs: 1100, limits: null },
      { kind: 'skip', nowMs: 900, gapMs: -200 },
      { kind: 'weigh', nowMs: 1000, weight: 25 },
      { kind: 'spec', nowMs: 1001, spec: SPEC, weight: 3, isFresh: true, isNew: false },
      { kind: 'meet', nowMs: 1001, names: ['10.0.0.1:80', '[::1]:80'] },
      { kind: 'budget', budget: reading },
      { kind: 'budget', budget: { remainingRatio: null, remainingEvents: null, alert: null } },
      { kind: 'command', nowMs: 1050, command },
      {
        kind: 'note',
        noted: [
          { atMs: 1000.25, requestId: '' },
          { atMs: 1000.25, requestId: 'ab'.repeat(16) },
        ],
      },
      { kind: 'decided', facts: FACTS },
    ]);
  });

  it('keeps every route of a look by itself where there are several, and nothing where none of them saw anything', () => {
    const { tape, segments } = setup();
    const counts = (n: number): Evidence => ({ requests: pair(n, 1, 90, n), users: pair(n, 0, 80, 1) });
    const routes = [counts(3), { requests: pair(0, 0, 0, 0), users: pair(0, 0, 0, 0) }, counts(300)];
    const look: Look = { ...QUIET, requests: pair(303, 2, 180, 303), routes };
    tape.look(look, null, 1100);
    tape.look({ ...QUIET, routes: [routes[1] as Evidence] }, null, 1200);
    tape.seal();
    assert.deepEqual(read(segments).slice(1), [
      { kind: 'look', nowMs: 1100, look, trials: NO_TRIALS },
      { kind: 'look', nowMs: 1200, look: QUIET, trials: NO_TRIALS },
    ]);
  });

  it('keeps looks that saw nothing in a byte each, with their times', () => {
    const { tape, segments } = setup();
    tape.seal();
    const times = Array.from({ length: 100 }, (_, n) => 1100 + 100 * n + (n % 3));
    for (const nowMs of times) tape.look(QUIET, NO_TRIALS, nowMs);
    tape.seal();
    const looks = read(segments).slice(1);
    assert.deepEqual(looks[7], { kind: 'look', nowMs: 1801, look: QUIET, trials: NO_TRIALS });
    assert.deepEqual(
      looks.map((row) => (row.kind === 'look' ? row.nowMs : null)),
      times,
    );
    assert.equal(segments[1]?.bytes.length, 102);
  });

  it('is cut into segments by size, by age and by decisions, each hashed with the one before', () => {
    const { tape, segments } = setup();
    const busy: Look = { ...QUIET, requests: pair(500, 1, 9000, 90), users: pair(400, 1, 8000, 80) };
    let nowMs = 1000;
    for (let n = 0; n < (2 * SEGMENT_BYTES) / 16; n++) tape.look(busy, null, (nowMs += 10));
    assert.ok(segments.length >= 1, `${segments.length}`);
    const count = segments.length;
    tape.look(busy, null, (nowMs += 600_000));
    assert.equal(segments.length, count + 1);
    const ref = tape.decided(FACTS);
    assert.equal(segments.length, count + 2);
    assert.deepEqual(ref, { watch: 'w', segment: count + 2, hash: segments.at(-1)?.hash });
    assert.deepEqual(tape.seal(), ref, 'nothing is left');
    let previous = '0'.repeat(64);
    segments.forEach((segment, n) => {
      const hash = createHash('sha256').update(`${previous}\n`).update(segment.bytes).digest('hex');
      assert.deepEqual([segment.number, segment.previous, segment.hash], [n + 1, previous, hash]);
      previous = segment.hash;
    });
  });
});

describe('a tape of another kind', () => {
  it('is refused', () => {
    const { tape, segments } = setup();
    tape.seal();
    const reader = new TapeReader();
    assert.throws(() => [...reader.rows(Uint8Array.of(99))], /row 99, which is not known/);
    const [first] = segments as [Segment];
    const other = Buffer.from(first.bytes).toString('latin1').replace('"format":3', '"format":7');
    assert.throws(() => [...reader.rows(Buffer.from(other, 'latin1'))], /format 7, known are 1, 2, 3/);
  });
});
