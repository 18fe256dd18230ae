/** What is known of a canary whatever the policy. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Account, emptyPair } from '#src/slo/verdict/score/account.ts';
import { SPEC } from '../../../../support/simulate/detection.ts';

const START = { nowMs: 1000, weight: 5 };

function look(finished: number, bad: number) {
  const counts = { canary: { finished, bad }, stable: { finished: 100, bad: 1 } };
  return { requests: counts, users: counts, isConsistent: true, attempts: null };
}

it('sums up what was seen, on the step and since the watch began', () => {
  const account = new Account(SPEC, START);
  assert.equal(account.stableRatio, 0);
  account.take(look(5, 1), 1100);
  account.take(look(7, 0), 1200);
  assert.deepEqual([account.requests.canary, account.stableRatio], [{ finished: 12, bad: 1 }, 0.01]);
  assert.equal(account.stepRequests, 12);
  assert.equal(account.weigh(5, 1300), false, 'the same weight is no step');
  assert.equal(account.weigh(25, 1300), true);
  account.take(look(3, 0), 1400);
  assert.deepEqual([account.stepRequests, account.requests.canary.finished], [3, 15]);
});

it('remembers the bad exchanges of the step, and tells of those of the one before that they do not count', () => {
  const account = new Account(SPEC, START);
  assert.equal(account.note({ atMs: 999, requestId: 'early' }), false);
  for (let n = 0; n < 7; n++) assert.equal(account.note({ atMs: 1100 + n, requestId: n === 3 ? '' : `id${n}` }), true);
  assert.deepEqual(account.sampleRequestIds, ['id1', 'id2', 'id4', 'id5', 'id6']);
  assert.equal(account.detectedInMs(1500), 400);
  account.weigh(25, 1600);
  assert.deepEqual([account.detectedInMs(1700), account.sampleRequestIds], [-1, []]);
});

it('hands attempts to the search for a sick endpoint, and gaps to soundness', () => {
  const canary = { ...SPEC.canary, endpoints: [1, 2, 3] };
  const account = new Account({ ...SPEC, canary }, START);
  const attempts = [
    { finished: 20, bad: 0 },
    { finished: 20, bad: 10 },
    { finished: 20, bad: 0 },
  ];
  account.take({ ...look(60, 10), attempts }, 1100);
  assert.deepEqual(account.sick.find(account.stableRatio), { name: 2, isEjectable: true });
  for (let n = 0; n < 3; n++) account.gap(2000 + n);
  assert.equal(account.soundness.fault, 'clock');
  assert.deepEqual(emptyPair(), { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } });
});
