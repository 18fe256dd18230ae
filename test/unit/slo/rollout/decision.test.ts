import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionOf, NOTHING_DETECTED, namesOf, noticedBy } from '#src/slo/rollout/decision.ts';
import { sampleDecision } from '../../../support/readings/status.ts';
import { SPEC } from '../../../support/simulate/detection.ts';

test('a decision names the rollout and the policy in force beside its numbers', () => {
  const { verdict } = sampleDecision();
  const details = {
    id: 7,
    at: '2026-01-01T00:00:00.000Z',
    kind: 'pause',
    trigger: 'person',
    sentence: 'checkout: v2 is paused',
    verdict,
    weightBefore: 5,
    weightAfter: 5,
    switchedInMs: 0,
    ...NOTHING_DETECTED,
  } as const;
  assert.deepEqual(decisionOf({ ...SPEC, revision: 9 }, details), {
    ...details,
    route: 'checkout',
    service: 'shop',
    canary: 'v2',
    stable: 'v1',
    alpha: SPEC.alpha,
    toleratedRatio: SPEC.toleratedRatio,
    revision: 9,
  });
});

test('a rollback tells how long ago the first bad exchange was, and the newest of them', () => {
  const judgement = { detectedInMs: (nowMs: number) => nowMs - 40, sampleRequestIds: ['a', 'b'] };
  assert.deepEqual(noticedBy(judgement, 100), { detectedInMs: 60, sampleRequestIds: ['a', 'b'] });
});

test('names are those of the route and its two versions', () => {
  assert.deepEqual(namesOf(SPEC), { route: 'checkout', stable: 'v1', canary: 'v2' });
});
