/**
 * A state that opens while the gateway runs may hold older word of alerts than what this process has told since: a dead letter, or a
 * message that waits, that an alert began, whose end has been delivered. Sent, it opens an incident in PagerDuty that nobody closes.
 */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Instant, Outbox, PAUSE_MAX_MS, REFUSALS_MAX } from '#src/export/alerts/outbox.ts';
import { asSaved, sampleAlert, WALL_MS } from '../support/readings/alerts.ts';

function outboxOf(): Outbox {
  return new Outbox({ perMinute: 1000, groupMs: 0, isSingle: true, isComplete: false, draw: () => 1 });
}

/** Virtual time: `nowMs` after the beginning. */
function at(nowMs: number): Instant {
  return { nowMs, wallMs: WALL_MS + nowMs };
}

function alone(n: number) {
  return sampleAlert({ fingerprint: `f${n}` });
}

/** What is next dies. */
function refuse(outbox: Outbox): void {
  for (let n = 0; n < REFUSALS_MAX; n++) {
    assert.notEqual(outbox.next(n * PAUSE_MAX_MS), null);
    outbox.settle({ kind: 'refused', because: 'errcode 310000' }, at(n * PAUSE_MAX_MS));
  }
}

suite('a state that opens late', () => {
  test('brings back no word of an alert that is older than what was told', () => {
    const earlier = outboxOf();
    earlier.add(alone(1), at(0));
    refuse(earlier);
    earlier.add(alone(1), at(10));
    earlier.add(alone(2), at(10));
    const saved = asSaved(earlier.save(10));
    assert.deepEqual([saved.dead.length, saved.entries.length], [1, 2]);

    const outbox = outboxOf();
    outbox.add(sampleAlert({ fingerprint: 'f1', state: 'resolved' }), at(1000));
    assert.equal(outbox.next(1000)?.alerts[0]?.state, 'resolved');
    outbox.settle({ kind: 'sent' }, at(1000));
    outbox.recall(saved, 0, at(2000));
    assert.deepEqual(outbox.status(true, at(2000)).deadLetters, []);
    assert.equal(outbox.retry(at(2000)), 0);
    assert.deepEqual(outbox.next(2000)?.alerts[0]?.fingerprint, 'f2');
    outbox.settle({ kind: 'sent' }, at(2000));
    assert.equal(outbox.next(2000), null, 'its begin would open again what its end has closed');
  });

  test('brings back word that is newer', () => {
    const earlier = outboxOf();
    earlier.add(sampleAlert({ fingerprint: 'f1', state: 'resolved' }), at(500));
    const saved = asSaved(earlier.save(500));
    const outbox = outboxOf();
    outbox.add(alone(1), at(0));
    outbox.next(0);
    outbox.settle({ kind: 'sent' }, at(0));
    outbox.recall(saved, 0, at(1000));
    assert.equal(outbox.next(1000)?.alerts[0]?.state, 'resolved');
  });
});
