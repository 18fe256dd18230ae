/** How many frames of each kind a connection may send, at once and by what it was sent. */

import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'node:test';
import { beginTurn } from '#src/lib/clock.ts';
import { ABUSE } from '#src/model/threads/load/http2.ts';
import { FrameBudget } from '#src/proxy/http2/frame-budget.ts';
import { FRAME, type FrameHead } from '#src/proxy/http2/frames.ts';
import { ACK, END_HEADERS, END_STREAM } from '../../../support/http/http2.ts';

const MAX = 100;

function budgetOf(): { budget: FrameBudget; hears: (...heads: readonly FrameHead[]) => boolean } {
  beginTurn();
  const budget = new FrameBudget({ http2AbuseMax: MAX, headBytesMax: 16_384 });
  return { budget, hears: (...heads) => heads.every((one) => budget.frame(one)) };
}

const head = (type: number, length = 0, flags = 0): FrameHead => ({ type, length, flags, id: 1 });

/** How many go through. */
function countOf(hears: () => boolean): number {
  let count = 0;
  while (count < 10 * MAX && hears()) count++;
  return count;
}

const UPDATE = head(FRAME.windowUpdate, 4);

describe('the budgets', () => {
  for (const [name, one, kind, max] of [
    ['resets', head(FRAME.rstStream, 4), ABUSE.resets, MAX],
    ['pings', head(FRAME.ping, 8), ABUSE.pings, MAX],
    ['settings', head(FRAME.settings), ABUSE.settings, MAX / 10],
    ['priorities', head(FRAME.priority, 5), ABUSE.priorities, MAX],
    ['unknown types', head(0x77), ABUSE.priorities, MAX],
    ['updates', UPDATE, ABUSE.windowUpdates, MAX],
    ['empty frames', head(FRAME.data), ABUSE.emptyFrames, MAX],
  ] as const) {
    it(`of ${name} let so many through and no more`, () => {
      const { budget, hears } = budgetOf();
      assert.equal(
        countOf(() => hears(one)),
        max,
      );
      assert.equal(budget.abuse, kind);
    });
  }

  it('of resets that a client forces let so many through and no more', () => {
    const { budget } = budgetOf();
    assert.equal(
      countOf(() => budget.forcedReset()),
      MAX,
    );
    assert.equal(budget.abuse, ABUSE.forcedResets);
  });

  it('name what there was too much of first', () => {
    const { budget, hears } = budgetOf();
    countOf(() => hears(head(FRAME.ping, 8)));
    countOf(() => hears(UPDATE));
    assert.equal(budget.abuse, ABUSE.pings);
  });

  it('regain what they say in a second, however it is spread', (t) => {
    let clockMs = 1e6;
    t.mock.method(performance, 'now', () => clockMs);
    const { hears } = budgetOf();
    // One each 15 ms, in which 0.75 is regained: each costs a quarter.
    const count = countOf(() => {
      clockMs += 15;
      beginTurn();
      return hears(UPDATE);
    });
    assert.ok(Math.abs(count - 4 * MAX) <= 4, `${count} went through`);
  });

  it('cost nothing for what every client says', () => {
    const { budget, hears } = budgetOf();
    const usual = [
      head(FRAME.headers, 100, END_HEADERS),
      head(FRAME.data, 1),
      head(FRAME.data, 0, END_STREAM),
      head(FRAME.settings, 0, ACK),
      head(FRAME.ping, 8, ACK),
    ];
    for (let n = 0; n < 10 * MAX; n++) assert.ok(hears(...usual));
    assert.equal(budget.abuse, null);
  });

  it('of updates and pings are paid by what was sent', () => {
    const { budget, hears } = budgetOf();
    for (let n = 0; n < 10 * MAX; n++) {
      budget.sentData(16_384);
      assert.ok(hears(UPDATE, UPDATE, head(FRAME.ping, 8)));
    }
    for (let n = 0; n < 10 * MAX; n++) {
      budget.sentHeaders();
      assert.ok(hears(UPDATE, head(FRAME.ping, 8)));
    }
    assert.ok(countOf(() => hears(UPDATE)) <= 2 * MAX, 'at most so much in advance');
  });
});

describe('a header block', () => {
  const begun = head(FRAME.headers, 100, END_STREAM);
  const more = head(FRAME.continuation, 1);

  it('may have few more frames than it needs', () => {
    const { budget, hears } = budgetOf();
    assert.ok(hears(begun));
    assert.equal(
      countOf(() => hears(more)),
      5,
    );
    assert.equal(budget.abuse, ABUSE.continuations);
  });

  it('may not be longer than any that is served', () => {
    const { budget, hears } = budgetOf();
    const full = head(FRAME.continuation, 16_384);
    assert.ok(hears(head(FRAME.headers, 16_384), full, full));
    assert.equal(hears(more), false);
    assert.equal(budget.abuse, ABUSE.continuations);
  });

  it('has its bounds to itself', () => {
    const { hears } = budgetOf();
    for (let n = 0; n < 10; n++) assert.ok(hears(begun, more, more, more, more, more));
  });
});
