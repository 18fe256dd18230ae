import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  ALERTS_MAX,
  DEAD_MAX,
  type Instant,
  KEEP_MS,
  LIMITED_MAX_MS,
  Outbox,
  type OutboxOptions,
  PAUSE_MAX_MS,
  PAUSE_MS,
  QUEUE_MAX,
  REFUSALS_MAX,
} from '#src/export/alerts/outbox.ts';
import { asSaved, sampleAlert, WALL_MS } from '../../../support/readings/alerts.ts';

const GROUP_MS = 10_000;

function outboxOf(changes: Partial<OutboxOptions> = {}): Outbox {
  return new Outbox({
    perMinute: 1000,
    groupMs: GROUP_MS,
    isSingle: false,
    isComplete: false,
    draw: () => 1,
    ...changes,
  });
}

/** Virtual time: `nowMs` after the beginning. */
function at(nowMs: number): Instant {
  return { nowMs, wallMs: WALL_MS + nowMs };
}

/** An alert of its own group. */
function alone(n: number) {
  return sampleAlert({ fingerprint: `f${n}` });
}

/** What is next dies. */
function refuse(outbox: Outbox): void {
  for (let n = 0; n < REFUSALS_MAX; n++) {
    assert.notEqual(outbox.next(n * PAUSE_MAX_MS), null);
    outbox.settle(NO, at(n * PAUSE_MAX_MS));
  }
}

const AWAY = { kind: 'unavailable', because: 'ECONNREFUSED' } as const;
const NO = { kind: 'refused', because: 'errcode 310000' } as const;

suite('outbox', () => {
  test('alerts of a group go together, after a while, the newest word of each', () => {
    const outbox = outboxOf();
    outbox.add(sampleAlert({ fingerprint: 'a', sentence: 'first' }), at(0));
    outbox.add(sampleAlert({ fingerprint: 'b' }), at(1000));
    outbox.add(sampleAlert({ fingerprint: 'a', sentence: 'second' }), at(2000));
    outbox.add(sampleAlert({ fingerprint: 'c', kind: 'budget' }), at(3000));
    assert.equal(outbox.next(GROUP_MS - 1), null);
    const message = outbox.next(GROUP_MS) ?? assert.fail();
    assert.deepEqual(
      message.alerts.map(({ fingerprint, sentence }) => `${fingerprint} ${sentence.split(' ')[0]}`),
      ['b route', 'a second'],
    );
    assert.equal(outbox.next(GROUP_MS + 3000), null, 'one at a time');
    outbox.settle({ kind: 'sent' }, at(GROUP_MS + 3000));
    assert.deepEqual(
      outbox.next(GROUP_MS + 3000)?.alerts.map(({ kind }) => kind),
      ['budget'],
    );
    assert.equal(outbox.status(true, at(0)).counts.merged, 2);
  });

  test('what takes one alert at a time gets one at a time', () => {
    const outbox = outboxOf({ isSingle: true, groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.add(alone(2), at(0));
    outbox.add({ ...alone(1), state: 'resolved' }, at(0));
    const first = outbox.next(0)?.alerts.map(({ fingerprint, state }) => `${fingerprint} ${state}`);
    assert.deepEqual(first, ['f1 resolved'], 'its newest word');
    assert.equal(outbox.queued, 2);
  });

  test('a message tells so many alerts and counts the others', () => {
    const outbox = outboxOf();
    for (let n = 0; n < ALERTS_MAX + 3; n++) outbox.add(alone(n), at(0));
    const { alerts, more } = outbox.next(GROUP_MS) ?? assert.fail();
    assert.deepEqual([alerts.length, more], [ALERTS_MAX, 3]);
  });

  test('what has to be told every alert gets a further message for those without room', () => {
    const outbox = outboxOf({ isComplete: true, groupMs: 0 });
    for (let n = 0; n < ALERTS_MAX + 3; n++) outbox.add(alone(n), at(0));
    outbox.add({ ...alone(ALERTS_MAX), state: 'resolved' }, at(0));
    const told = [0, 1].map((nowMs) => {
      const { alerts, more } = outbox.next(nowMs) ?? assert.fail();
      outbox.settle({ kind: 'sent' }, at(nowMs));
      return [alerts.length, more, alerts.filter(({ state }) => state === 'resolved').length];
    });
    assert.deepEqual(told, [
      [ALERTS_MAX, 0, 0],
      [3, 0, 1],
    ]);
    assert.equal(outbox.queued, 0);
  });

  test('older word of an alert never comes behind newer', () => {
    for (const outcome of [NO, AWAY]) {
      const outbox = outboxOf({ isSingle: true, groupMs: 0 });
      outbox.add(alone(1), at(0));
      assert.equal(outbox.next(0)?.alerts[0]?.state, 'firing');
      outbox.add({ ...alone(1), state: 'resolved' }, at(0));
      outbox.settle(outcome, at(0));
      assert.equal(outbox.queued, 1);
      assert.equal(outbox.next(PAUSE_MS)?.alerts[0]?.state, 'resolved');
      outbox.settle({ kind: 'sent' }, at(PAUSE_MS));
      assert.equal(outbox.queued, 0);
    }
  });

  test('a message that is tried again leaves out what newer messages say, and keeps the rest', () => {
    const outbox = outboxOf({ groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.add(alone(2), at(0));
    outbox.next(0);
    outbox.add({ ...alone(1), state: 'resolved' }, at(0));
    outbox.settle(NO, at(0));
    outbox.add({ ...alone(1), sentence: 'again' }, at(0));
    const messages = [0, PAUSE_MS].map((nowMs) => {
      const { alerts } = outbox.next(nowMs) ?? assert.fail();
      outbox.settle({ kind: 'sent' }, at(nowMs));
      return alerts.map(({ fingerprint, sentence }) => `${fingerprint} ${sentence.split(' ')[0]}`);
    });
    assert.deepEqual(messages, [['f1 again'], ['f2 route']]);
    assert.deepEqual([outbox.queued, outbox.status(true, at(0)).counts.merged], [0, 3]);
  });

  test('a dead letter that is tried again says nothing of which newer word waits', () => {
    const outbox = outboxOf({ isSingle: true, groupMs: 0 });
    outbox.add(alone(1), at(0));
    for (let n = 0; n < REFUSALS_MAX; n++) {
      outbox.next(n * PAUSE_MAX_MS);
      outbox.settle(NO, at(n * PAUSE_MAX_MS));
    }
    const nowMs = REFUSALS_MAX * PAUSE_MAX_MS;
    outbox.add({ ...alone(1), state: 'resolved' }, at(nowMs));
    assert.equal(outbox.retry(at(nowMs)), 1);
    assert.equal(outbox.queued, 1);
    assert.equal(outbox.next(nowMs)?.alerts[0]?.state, 'resolved');
  });

  test('a dead letter says nothing any more of which newer word has arrived', () => {
    const outbox = outboxOf({ groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.add(alone(2), at(0));
    refuse(outbox);
    outbox.add({ ...alone(1), state: 'resolved' }, at(0));
    assert.equal(outbox.next(PAUSE_MAX_MS)?.alerts[0]?.state, 'resolved');
    outbox.settle({ kind: 'sent' }, at(PAUSE_MAX_MS));
    assert.equal(outbox.retry(at(PAUSE_MAX_MS)), 1);
    const again = outbox.next(PAUSE_MAX_MS)?.alerts.map(({ fingerprint, state }) => `${fingerprint} ${state}`);
    assert.deepEqual(again, ['f2 firing']);
  });

  test('of two dead letters about one alert the newer is tried again', () => {
    const before = outboxOf({ isSingle: true, groupMs: 0 });
    before.add(alone(1), at(0));
    refuse(before);
    const saved = asSaved(before.save(0));
    const outbox = outboxOf({ isSingle: true, groupMs: 0 });
    outbox.add({ ...alone(1), state: 'resolved' }, at(0));
    refuse(outbox);
    outbox.recall(saved, 0, at(0));
    before.add({ ...alone(1), state: 'resolved' }, at(0));
    refuse(before);
    for (const one of [before, outbox]) {
      assert.equal(one.retry(at(PAUSE_MAX_MS)), 1);
      assert.equal(one.next(PAUSE_MAX_MS)?.alerts[0]?.state, 'resolved');
    }
  });

  test('no more than its rate goes out in any minute', () => {
    const outbox = outboxOf({ isSingle: true, groupMs: 0, perMinute: 3 });
    for (let n = 0; n < 5; n++) outbox.add(alone(n), at(0));
    const send = (nowMs: number): boolean => {
      const isThere = outbox.next(nowMs) !== null;
      if (isThere) outbox.settle({ kind: 'sent' }, at(nowMs));
      return isThere;
    };
    assert.deepEqual([0, 10_000, 20_000, 30_000, 59_999].map(send), [true, true, true, false, false]);
    assert.deepEqual([60_000, 60_001, 70_000].map(send), [true, false, true]);
  });

  test('while nobody answers the channel pauses longer and longer, and loses nothing', () => {
    const outbox = outboxOf({ isSingle: true, groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.add(alone(2), at(0));
    let nowMs = 0;
    for (let n = 0; n < 12; n++) {
      const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** n);
      assert.deepEqual(outbox.next(nowMs)?.alerts[0]?.fingerprint, 'f1', 'in order');
      outbox.settle(AWAY, at(nowMs));
      assert.equal(outbox.status(true, at(nowMs)).state, 'retrying');
      assert.equal(outbox.next(nowMs + pauseMs - 1), null, `after ${n} failures`);
      nowMs += pauseMs;
    }
    for (const fingerprint of ['f1', 'f2']) {
      assert.equal(outbox.next(nowMs)?.alerts[0]?.fingerprint, fingerprint);
      outbox.settle({ kind: 'sent' }, at(nowMs));
    }
    const { state, counts, queued, lastError } = outbox.status(true, at(nowMs));
    assert.deepEqual([state, queued, lastError], ['idle', 0, '']);
    assert.deepEqual(counts, { sent: 2, failed: 12, dropped: 0, dead: 0, merged: 0 });
  });

  test('a pause is drawn between half and all of it', () => {
    const outbox = outboxOf({ groupMs: 0, draw: () => 0 });
    outbox.add(alone(1), at(0));
    outbox.next(0);
    outbox.settle(AWAY, at(0));
    assert.equal(outbox.next(PAUSE_MS / 2 - 1), null);
    assert.notEqual(outbox.next(PAUSE_MS / 2), null);
  });

  test('a channel that asks for time gets it, within bounds', () => {
    for (const [askedMs, givenMs] of [
      [90_000, 90_000],
      [0, PAUSE_MS],
      [1e9, LIMITED_MAX_MS],
    ] as const) {
      const outbox = outboxOf({ groupMs: 0 });
      outbox.add(alone(1), at(0));
      outbox.next(0);
      outbox.settle({ kind: 'limited', because: '429', retryMs: askedMs }, at(0));
      assert.equal(outbox.next(givenMs - 1), null, `${askedMs}`);
      assert.notEqual(outbox.next(givenMs), null, `${askedMs}`);
    }
  });

  test('what is refused holds nobody up, is given up after some tries, and can be tried again', () => {
    const outbox = outboxOf({ isSingle: true, groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.next(0);
    outbox.settle(NO, at(0));
    outbox.add(alone(2), at(0));
    assert.equal(outbox.next(0)?.alerts[0]?.fingerprint, 'f2');
    outbox.settle({ kind: 'sent' }, at(0));
    let nowMs = 0;
    for (let n = 1; n < REFUSALS_MAX; n++) {
      nowMs += PAUSE_MAX_MS;
      assert.equal(outbox.next(nowMs)?.alerts[0]?.fingerprint, 'f1');
      outbox.settle(NO, at(nowMs));
    }
    assert.equal(outbox.next(nowMs + PAUSE_MAX_MS), null);
    const { deadLetters, counts, state } = outbox.status(true, at(nowMs));
    assert.deepEqual([deadLetters.length, counts.dead, state], [1, 1, 'idle']);
    const [letter] = deadLetters;
    assert.equal(letter?.because, 'errcode 310000');
    assert.equal(letter?.title, 'TICKET burn: 1 firing');
    assert.equal(outbox.retry(at(nowMs)), 1);
    assert.equal(outbox.next(nowMs)?.alerts[0]?.fingerprint, 'f1');
    outbox.settle({ kind: 'sent' }, at(nowMs));
    assert.deepEqual(outbox.status(true, at(nowMs)).deadLetters, []);
    assert.equal(outbox.retry(at(nowMs)), 0);
  });

  test('messages that are refused are given up each in its own time, however many there are', () => {
    const outbox = outboxOf({ isSingle: true, groupMs: 0 });
    for (let n = 0; n < 20; n++) outbox.add(alone(n), at(0));
    for (let nowMs = 0; nowMs <= 2 * PAUSE_MS * 2 ** REFUSALS_MAX; nowMs += 100) {
      while (outbox.next(nowMs) !== null) outbox.settle(NO, at(nowMs));
    }
    assert.deepEqual([outbox.queued, outbox.status(true, at(0)).counts.dead], [0, 20]);
  });

  test('after a day without an answer a message is given up', () => {
    const outbox = outboxOf({ groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.next(KEEP_MS - 1);
    outbox.settle(AWAY, at(KEEP_MS - 1));
    assert.equal(outbox.status(true, at(KEEP_MS)).deadLetters.length, 0);
    outbox.next(KEEP_MS + PAUSE_MS);
    outbox.settle(AWAY, at(KEEP_MS + PAUSE_MS));
    assert.equal(outbox.status(true, at(KEEP_MS)).deadLetters.length, 1);
  });

  test('beyond its room the oldest goes, and is counted', () => {
    const outbox = outboxOf({ isSingle: true });
    for (let n = 0; n < QUEUE_MAX + 3; n++) outbox.add(alone(n), at(0));
    assert.equal(outbox.queued, QUEUE_MAX);
    assert.equal(outbox.status(true, at(0)).counts.dropped, 3);
    assert.equal(outbox.next(GROUP_MS)?.alerts[0]?.fingerprint, 'f3');
    const refusing = outboxOf({ isSingle: true, groupMs: 0 });
    for (let n = 0; n < DEAD_MAX + 2; n++) {
      refusing.add(alone(n), at(0));
      for (let i = 0; i < REFUSALS_MAX; i++) {
        refusing.next(i * PAUSE_MAX_MS);
        refusing.settle(NO, at(i * PAUSE_MAX_MS));
      }
    }
    const { deadLetters, counts } = refusing.status(true, at(0));
    assert.deepEqual([deadLetters.length, counts.dead, counts.dropped], [DEAD_MAX, DEAD_MAX + 2, 2]);
  });

  test('text goes at once, by itself', () => {
    const outbox = outboxOf();
    outbox.add(alone(1), at(0));
    outbox.note({ title: 'daily digest', lines: ['all is well'] }, at(0));
    const { note, alerts } = outbox.next(0) ?? assert.fail();
    assert.deepEqual([note?.title, alerts], ['daily digest', []]);
  });

  test('without a URL or a key nothing is lost, and no failure counted', () => {
    const outbox = outboxOf({ groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.next(0);
    outbox.postpone('the variable X is not set', 0);
    const { state, queued, lastError, counts } = outbox.status(false, at(0));
    assert.deepEqual([state, queued, lastError, counts.failed], ['unusable', 1, 'the variable X is not set', 0]);
    assert.equal(outbox.next(PAUSE_MS - 1), null);
    assert.notEqual(outbox.next(PAUSE_MS), null);
  });

  test('what was saved goes on: what was under way included, how long it waited too', () => {
    const outbox = outboxOf({ isSingle: true });
    outbox.add(alone(1), at(0));
    outbox.add(alone(2), at(5000));
    outbox.next(GROUP_MS);
    const saved = asSaved(outbox.save(GROUP_MS));
    const next = outboxOf({ isSingle: true, groupMs: 0 });
    next.add(alone(3), at(100));
    next.recall(saved, 2000, at(100));
    const sent: (string | undefined)[] = [];
    for (const nowMs of [100, 101, 3099, 3100]) {
      const message = next.next(nowMs);
      sent.push(message?.alerts[0]?.fingerprint);
      if (message !== null) next.settle({ kind: 'sent' }, at(nowMs));
    }
    // The second had 5 s to wait, of which 2 went by while nobody ran.
    assert.deepEqual(sent, ['f1', 'f3', undefined, 'f2']);
    const late = outboxOf();
    late.recall(saved, KEEP_MS, at(0));
    const { queued, deadLetters } = late.status(true, at(0));
    assert.deepEqual([queued, deadLetters.length], [0, 2], 'old news is no news');
  });

  test('what was saved comes back once, also where the state is read again later', () => {
    const outbox = outboxOf({ isSingle: true, groupMs: 0 });
    outbox.add(alone(1), at(0));
    outbox.add(alone(2), at(0));
    for (let n = 0; n < REFUSALS_MAX; n++) {
      outbox.next(n * PAUSE_MAX_MS);
      outbox.settle(NO, at(n * PAUSE_MAX_MS));
    }
    const saved = asSaved(outbox.save(0));
    const next = outboxOf({ isSingle: true, groupMs: 0 });
    next.recall(saved, 0, at(0));
    const { queued, deadLetters } = next.status(true, at(0));
    assert.deepEqual([queued, deadLetters.length], [1, 1]);
    assert.notEqual(next.next(0), null);
    next.settle({ kind: 'sent' }, at(0));
    next.retry(at(0));
    next.recall(saved, 0, at(0));
    assert.deepEqual([next.queued, next.status(true, at(0)).deadLetters], [1, []], 'the letter that is tried again');
  });

  test('it says once that something is to be saved', () => {
    const outbox = outboxOf({ groupMs: 0 });
    assert.equal(outbox.takeChanged(), false);
    outbox.add(alone(1), at(0));
    assert.deepEqual([outbox.takeChanged(), outbox.takeChanged()], [true, false]);
    assert.equal(outbox.awaits('f1'), true);
    outbox.next(0);
    assert.equal(outbox.awaits('f1'), true, 'nobody knows whether it arrived');
    outbox.settle({ kind: 'sent' }, at(0));
    assert.deepEqual([outbox.takeChanged(), outbox.awaits('f1')], [true, false]);
  });
});
