/** State in pieces and whole again. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BUDGETS_PER_PART,
  DECISIONS_PER_PART,
  joined,
  partsOf,
  SEGMENTS_PER_PART,
} from '#src/compose/handover/parts.ts';
import type { PassedState, SavedBudget } from '#src/model/threads/state.ts';
import { sampleDecision } from '../../../support/readings/status.ts';

function stateOf(budgets: number, decisions: number, unwritten = 0): PassedState {
  const at = '2026-11-21T12:00:00.000Z';
  const budget = (n: number): SavedBudget => ({ format: 1, bytes: new Uint8Array([n % 256, 0, 255]), at });
  const decided = Array.from({ length: decisions }, (_, n) => sampleDecision({ id: n + 1 }));
  const segment = { watch: 'w', route: 'r', at, previous: '', hash: '', bytes: new Uint8Array([0, 255]) };
  return {
    budgets: new Map(Array.from({ length: budgets }, (_, n) => [`route/${n}`, budget(n)])),
    rollouts: [],
    decisions: decided,
    unwritten: {
      decisions: decided.slice(0, unwritten),
      segments: Array.from({ length: unwritten }, (_, n) => ({ ...segment, number: n + 1 })),
      segmentsLost: new Map(unwritten === 0 ? [] : [['v', { route: 'r', segments: 3 }]]),
    },
    isPartial: unwritten > 0,
  };
}

describe('state in parts', () => {
  it('is the same when it is put together again, through JSON', () => {
    const state = stateOf(BUDGETS_PER_PART + 1, DECISIONS_PER_PART * 2);
    const parts = partsOf(state);
    assert.equal(parts.length, 4);
    assert.deepEqual(joined(JSON.parse(JSON.stringify(parts)) as typeof parts), state);
  });

  it('tells what no file has yet, and is understood without it', () => {
    const state = stateOf(0, 2, SEGMENTS_PER_PART + 1);
    const parts = partsOf(state);
    assert.equal(parts.length, 6);
    assert.deepEqual(joined(JSON.parse(JSON.stringify(parts)) as typeof parts), state);
    assert.deepEqual(joined(parts.slice(0, 1)), stateOf(0, 2));
  });

  it('has no part when there is nothing', () => {
    assert.deepEqual(partsOf(stateOf(0, 0)), []);
    assert.deepEqual(joined([]), stateOf(0, 0));
  });
});
