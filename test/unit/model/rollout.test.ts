import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weightScaleOf } from '#src/model/rollout.ts';
import { PLAN } from '../../support/simulate/machine.ts';

test('a weight of 1 can be divided where there are steps, and only there', () => {
  assert.equal(weightScaleOf({ rollout: { plan: PLAN }, slo: null }), 1000);
  assert.equal(weightScaleOf({ rollout: { plan: null }, slo: { drift: null } }), 1);
  assert.equal(weightScaleOf({ rollout: null, slo: null }), 1);
  assert.equal(weightScaleOf({ rollout: null, slo: { drift: { keepRatio: 0.5, sampleRatio: 1 } } }), 1000);
});
