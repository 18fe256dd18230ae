import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DECISIONS_PENDING_MAX, Pending, SEGMENTS_PENDING_MAX } from '#src/state/pending.ts';
import { sampleDecision } from '../../support/readings/status.ts';
import { sampleRollout } from '../../support/state/log.ts';

const budget = (byte: number) => ({ format: 1, bytes: new Uint8Array([byte]), at: '' });

describe('what waits', () => {
  it('is taken once', () => {
    const pending = new Pending();
    assert.ok(pending.isEmpty);
    pending.addBudget('a', budget(1));
    pending.addRollout(sampleRollout());
    assert.ok(!pending.isEmpty && !pending.isUrgent);
    pending.addDecision(sampleDecision());
    assert.ok(pending.isUrgent);
    const { budgets, rollouts, decisions } = pending.take();
    assert.deepEqual([budgets.size, rollouts.size, decisions.length], [1, 1, 1]);
    assert.ok(pending.isEmpty);
  });

  it('goes before what came since when it is put back, and gives way to newer budgets', () => {
    const pending = new Pending();
    pending.addDecision(sampleDecision({ id: 1 }));
    pending.addBudget('a', budget(1));
    pending.addBudget('b', budget(1));
    const batch = pending.take();
    pending.addDecision(sampleDecision({ id: 2 }));
    pending.addBudget('a', budget(2));
    pending.putBack(batch);
    const { decisions, budgets } = pending.take();
    assert.deepEqual(
      decisions.map(({ id }) => id),
      [1, 2],
    );
    assert.deepEqual([budgets.get('a')?.bytes[0], budgets.get('b')?.bytes[0]], [2, 1]);
  });

  it('is bounded: the oldest decision goes, and is counted', () => {
    const pending = new Pending();
    const extra = 7;
    for (let n = 1; n <= DECISIONS_PENDING_MAX + extra; n++) pending.addDecision(sampleDecision({ id: n }));
    assert.equal(pending.take().decisions[0]?.id, 1 + extra);
    assert.equal(pending.lost, extra);
  });

  it('loses the oldest segments of tapes beyond the limit, and says whose they were, once', () => {
    const pending = new Pending();
    const segment = (number: number) => ({
      watch: 'w',
      route: 'checkout',
      number,
      at: '',
      previous: '',
      hash: '',
      bytes: new Uint8Array(1),
    });
    for (let n = 1; n <= SEGMENTS_PENDING_MAX + 3; n++) pending.addSegment(segment(n));
    assert.ok(!pending.isEmpty && !pending.isUrgent);
    const batch = pending.take();
    assert.deepEqual([batch.segments[0]?.number, pending.segmentsLost], [4, 3]);
    assert.deepEqual(batch.segmentsLost.get('w'), { route: 'checkout', segments: 3 });
    pending.putBack(batch);
    pending.addSegment(segment(SEGMENTS_PENDING_MAX + 4));
    assert.deepEqual(pending.take().segmentsLost.get('w'), { route: 'checkout', segments: 4 });
    assert.deepEqual([pending.segmentsLost, pending.take().segmentsLost.size], [4, 0]);
  });

  it('forgets budgets and rollouts, never decisions, when it is told to', () => {
    const pending = new Pending();
    pending.addDecision(sampleDecision());
    pending.addBudget('a', budget(1));
    pending.addRollout(sampleRollout());
    assert.equal(pending.rows, 3);
    pending.keepDecisions();
    assert.equal(pending.rows, 1);
    assert.ok(pending.isUrgent);
  });
});
