/** A tape is repeated row by row; what it cannot mean is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutPlan } from '#src/model/config.ts';
import type { Decision } from '#src/model/slo.ts';
import type { Segment } from '#src/model/threads/state.ts';
import { type OpenRow, TAPE_FORMAT } from '#src/slo/replay/format.ts';
import { TapeReader } from '#src/slo/replay/read.ts';
import { Replay } from '#src/slo/replay/replay.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { Recorded } from '../../../support/simulate/watch/recorded.ts';

const HERE = { watch: 'w', segment: 1, hash: '' };
const OPEN: OpenRow = {
  format: TAPE_FORMAT,
  watch: 'w',
  at: '2026-01-01T00:00:00.000Z',
  nowMs: 0,
  spec: SPEC,
  weight: 5,
  rollout: IDLE,
  rolledBackBy: null,
};

/** What a replay of the first tape decides. */
function repeated(segments: readonly Segment[]): Decision[] {
  const reader = new TapeReader();
  const replays: Replay[] = [];
  for (const { bytes, watch, number: segment, hash } of segments.filter((one) => one.watch === segments[0]?.watch)) {
    for (const row of reader.rows(bytes)) {
      if (row.kind === 'open') replays.push(new Replay(row.open, (spec) => spec));
      else replays[0]?.take(row, { watch, segment, hash });
    }
  }
  replays[0]?.finish();
  return (replays[0]?.decisions ?? []).map(({ decision }) => decision);
}

test('the last look is decided on at the end', () => {
  const replay = new Replay(OPEN, (spec) => spec);
  const counts = { canary: { finished: 20, bad: 20 }, stable: { finished: 400, bad: 1 } };
  const look = { requests: counts, users: counts, isConsistent: true, attempts: null };
  replay.take({ kind: 'look', nowMs: 100, look, trials: [] }, HERE);
  assert.deepEqual([replay.decisions.length, replay.ticks, replay.canary.bad], [0, 1, 20]);
  replay.finish();
  const [one] = replay.decisions;
  assert.deepEqual([one?.decision.kind, one?.isRecorded, one?.afterMs, one?.canaryBad], ['rollback', false, 100, 20]);
  assert.deepEqual([one?.decision.at, one?.decision.certificate.evidence], ['2026-01-01T00:00:00.100Z', HERE]);
  replay.take({ kind: 'look', nowMs: 200, look, trials: [] }, HERE);
  replay.finish();
  assert.equal(replay.decisions.length, 1, 'rolled back for good');
  assert.equal(replay.rollout.state.kind, 'rolled-back');
});

test('a second beginning is refused', () => {
  const replay = new Replay(OPEN, (spec) => spec);
  assert.throws(() => replay.take({ kind: 'open', open: OPEN }, HERE), /begins twice/);
});

test('what is rolled back at the beginning stays so until somebody starts it', () => {
  const gateway = new Recorded(5, undefined, { canaryErrorRatio: 1 });
  for (let n = 0; n < 200 && gateway.decisions.at(-1)?.kind !== 'rollback'; n++) gateway.tick();
  const saved = gateway.controller.save(gateway.nowMs);
  const next = new Recorded(6);
  next.controller.restore(saved, next.nowMs);
  for (let n = 0; n < 5; n++) next.tick();
  assert.equal(next.canaryWeight, 0);
  next.mood.canaryErrorRatio = 0;
  assert.equal(next.command('start'), true);
  for (let n = 0; n < 20; n++) next.tick();
  const { segments, decisions } = next.end();
  assert.deepEqual(repeated(segments), decisions.slice(0, 2));
});

test('an abort that is undone counts on as it did then', () => {
  const gateway = new Recorded(8);
  // Before the start stable fails, so that what was counted then would explain much.
  gateway.mood.stableErrorRatio = 0.2;
  gateway.spec = { ...gateway.spec, plan: { ...(gateway.spec.plan as RolloutPlan), autoStart: false } };
  for (let n = 0; n < 50; n++) gateway.tick();
  gateway.mood.stableErrorRatio = 0.002;
  assert.equal(gateway.command('start'), true);
  for (let n = 0; n < 20; n++) gateway.tick();
  assert.deepEqual([gateway.command('abort'), gateway.command('undo')], [true, true]);
  // Few events are left to cause, and the canary fails a little more than stable.
  gateway.mood.canaryErrorRatio = 0.02;
  for (let n = 0; n < 600; n++) gateway.tick();
  const { segments, decisions } = gateway.end();
  assert.deepEqual(repeated(segments), decisions.slice(0, repeated(segments).length));
  assert.ok(repeated(segments).length >= 4, 'the machine moved behind the undo');
});

test('commands that were refused are not on the tape, however often they were sent', () => {
  const gateway = new Recorded(7);
  for (let n = 0; n < 5; n++) gateway.tick();
  const sent = Array.from({ length: 50 }, () => gateway.command('resume'));
  sent.push(gateway.command('pause'), gateway.command('pause'));
  const { segments } = gateway.end();
  const reader = new TapeReader();
  const [first] = segments;
  const rows = segments.filter(({ watch }) => watch === first?.watch).flatMap(({ bytes }) => [...reader.rows(bytes)]);
  const commands = rows.flatMap((row) => (row.kind === 'command' ? [row.command.name] : []));
  assert.deepEqual(
    sent.flatMap((isDone, n) => (isDone ? [n] : [])),
    [50],
  );
  assert.deepEqual(commands, ['start', 'pause']);
});
