import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weightScaleOf } from '#src/model/rollout.ts';
import { PLAN } from '../../support/simulate/machine.ts';

test('a weight of 1 can be divided where there are steps, and only there', () => {
  assert.equal(weightScaleOf({ plan: PLAN }), 1000);
  assert.equal(weightScaleOf({ plan: null }), 1);
  assert.equal(weightScaleOf(null), 1);
});
