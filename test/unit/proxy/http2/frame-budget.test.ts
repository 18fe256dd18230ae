import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beginTurn } from '#src/lib/clock.ts';
import { ABUSE } from '#src/model/threads/load/http2.ts';
import { FrameBudget } from '#src/proxy/http2/frame-budget.ts';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import {
  ACK,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  PING,
  SETTINGS,
  TYPE,
  word,
} from '../../../support/http/http2.ts';

const MAX = 100;

function budgetOf(): {
  budget: FrameBudget;
  hears: (...frames: readonly Buffer[]) => boolean;
  sends: (...frames: readonly Buffer[]) => boolean;
} {
  beginTurn();
  const budget = new FrameBudget({ http2AbuseMax: MAX, headBytesMax: 16_384 });
  budget.take(Buffer.from(PREFACE), 0, PREFACE.length);
  return {
    budget,
    hears: (...frames) => frames.every((one) => budget.take(one, 0, one.length)),
    sends: (...frames) => frames.every((one) => budget.send(one)),
  };
}

/** How many go through. */
function countOf(hears: (one: Buffer) => boolean, one: Buffer): number {
  let count = 0;
  while (count < 10 * MAX && hears(one)) count++;
  return count;
}

const UPDATE = frame(TYPE.window, 0, 0, word(1));

describe('the budgets', () => {
  for (const [name, one, kind, max] of [
    ['resets', frame(TYPE.reset, 0, 1, word(8)), ABUSE.resets, MAX],
    ['pings', PING, ABUSE.pings, MAX],
    ['settings', SETTINGS, ABUSE.settings, MAX / 10],
    ['priorities', frame(TYPE.priority, 0, 1, Buffer.alloc(5)), ABUSE.priorities, MAX],
    ['unknown types', frame(0x77, 0, 1), ABUSE.priorities, MAX],
    ['updates', UPDATE, ABUSE.windowUpdates, MAX],
    ['empty frames', data(1, '', 0), ABUSE.emptyFrames, MAX],
  ] as const) {
    it(`of ${name} let so many through and no more`, () => {
      const { budget, hears } = budgetOf();
      assert.equal(countOf(hears, one), max);
      assert.equal(budget.abuse, kind);
      assert.equal(hears(headers(1, GET)), false, 'nothing comes through behind it');
    });
  }

  it('of resets that the gateway makes count what is not its own will', () => {
    const { budget, sends } = budgetOf();
    const reset = frame(TYPE.reset, 0, 1, word(1));
    for (let n = 0; n < 50; n++) budget.ownReset();
    assert.equal(countOf(sends, reset), MAX + 50);
    assert.equal(budget.abuse, ABUSE.forcedResets);
  });

  it('cost nothing for what every client says', () => {
    const { hears } = budgetOf();
    const usual = [
      headers(1, GET),
      data(1, 'x'),
      data(1, '', END_STREAM),
      frame(TYPE.settings, ACK, 0),
      frame(TYPE.ping, ACK, 0, Buffer.alloc(8)),
    ];
    for (let n = 0; n < 10 * MAX; n++) assert.ok(hears(...usual));
  });

  it('of updates and pings are paid by what was sent', () => {
    const { hears, sends } = budgetOf();
    const big = data(1, Buffer.alloc(16_384), 0);
    for (let n = 0; n < 10 * MAX; n++) {
      assert.ok(sends(big));
      assert.ok(hears(UPDATE, UPDATE, PING));
    }
    assert.ok(countOf(hears, UPDATE) <= 2 * MAX, 'at most so much in advance');
  });
});

describe('a header block', () => {
  const begun = headers(1, GET, END_STREAM);
  const more = frame(TYPE.continuation, 0, 1, Buffer.alloc(1));

  it('is owed until its end', () => {
    const { budget, hears } = budgetOf();
    assert.equal(budget.isOwed, false);
    hears(begun);
    assert.equal(budget.isOwed, true);
    hears(frame(TYPE.continuation, END_HEADERS, 1));
    assert.equal(budget.isOwed, false);
    hears(headers(3, GET).subarray(0, 12));
    assert.equal(budget.isOwed, true);
  });

  it('may have few more frames than it needs', () => {
    const { budget, hears } = budgetOf();
    assert.ok(hears(begun));
    assert.equal(countOf(hears, more), 5);
    assert.equal(budget.abuse, ABUSE.continuations);
  });

  it('may not be longer than any that is served', () => {
    const { budget, hears } = budgetOf();
    assert.ok(hears(frame(TYPE.headers, 0, 1, Buffer.alloc(16_384))));
    assert.ok(
      hears(frame(TYPE.continuation, 0, 1, Buffer.alloc(16_384)), frame(TYPE.continuation, 0, 1, Buffer.alloc(16_384))),
    );
    assert.equal(hears(more), false);
    assert.equal(budget.abuse, ABUSE.continuations);
  });
});

it('a body that is not here yet is not owed to the head’s time', () => {
  const { budget, hears } = budgetOf();
  hears(data(1, Buffer.alloc(100)).subarray(0, 20));
  assert.equal(budget.isOwed, false);
});

it('the highest stream is remembered', () => {
  const { budget, hears } = budgetOf();
  hears(headers(5, GET), headers(3, GET), frame(TYPE.window, 0, 9, word(1)));
  assert.equal(budget.lastStreamId, 5);
});
