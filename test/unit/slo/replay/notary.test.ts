import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Segment } from '#src/model/threads/state.ts';
import { Notary } from '#src/slo/replay/notary.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { sampleVerdict } from '../../../support/readings/status.ts';
import { SPEC } from '../../../support/simulate/detection.ts';

const MEASURED = { decidedAtMs: 1, switchedInMs: 0, weightBefore: 5, weightAfter: 0, why: '' };
const START = { nowMs: 0, rollout: IDLE, rolledBackBy: null };

test('decisions are numbered on from those of earlier processes, and end a segment of the tape', () => {
  const segments: Segment[] = [];
  const notary = new Notary({ tapes: (one) => segments.push(one), weightOf: () => 5, wallTime: () => 'now' });
  notary.continueAfter(7);
  notary.continueAfter(3);
  const tape = notary.open(SPEC, START);
  const other = notary.open(SPEC, START);
  const one = notary.note(tape, sampleVerdict(), MEASURED, null);
  assert.deepEqual(
    [one.id, one.at, one.shadow, one.evidence?.watch, one.evidence?.segment],
    [8, 'now', null, 'now#1', 1],
  );
  assert.equal(notary.note(other, sampleVerdict(), MEASURED, 'bold').evidence?.watch, 'now#2');
  assert.equal(segments.length, 2);
  assert.equal(notary.next(), 10);
  assert.equal(notary.note(tape, sampleVerdict(), MEASURED, null).id, 11);
});

test('without anybody who keeps tapes there are none', () => {
  const notary = new Notary({ weightOf: () => 5, wallTime: () => 'now' });
  assert.equal(notary.open(SPEC, START), null);
  assert.equal(notary.note(null, sampleVerdict(), MEASURED, null).evidence, null);
});
