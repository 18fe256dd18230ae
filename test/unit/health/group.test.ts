/** When the endpoints of a version are judged, and on what. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Group, type Member } from '#src/health/group.ts';
import type { GroupPlan } from '#src/model/health.ts';
import { OUTLIER } from '../../support/simulate/health.ts';

const PLAN: GroupPlan = { service: 'shop', version: 'v1', endpoints: [1, 2, 3], outlier: OUTLIER };
const FINE: Member = { isOut: false, inRow: 0 };

function did(group: Group, endpoint: number, good: number, bad: number): void {
  group.add(endpoint, { good, bad, inRow: 0, answered: good, waitedMs: 10 * good });
}

it('ratios are judged at the end of an interval, on that interval alone', () => {
  const group = new Group(PLAN, 0);
  for (const id of [1, 2, 3]) did(group, id, 100, 0);
  assert.equal(
    group.judge(() => FINE, 4900),
    null,
  );
  assert.deepEqual(group.judge(() => FINE, 5000)?.ejected, []);
  did(group, 1, 20, 80);
  for (const id of [2, 3]) did(group, id, 100, 0);
  assert.equal(
    group.judge(() => FINE, 9900),
    null,
  );
  assert.deepEqual(
    group.judge(() => FINE, 10_000)?.ejected.map(({ id }) => id),
    [1],
  );
  assert.deepEqual(group.judge(() => FINE, 15_000)?.ejected, []);
});

it('rows are judged at any time', () => {
  const group = new Group(PLAN, 0);
  const rowOf = (id: number): Member => ({ isOut: false, inRow: id === 2 ? 5 : 0 });
  assert.deepEqual(
    group.judge(rowOf, 100)?.ejected.map(({ id }) => id),
    [2],
  );
});

it('what an endpoint did before it was out is forgotten', () => {
  const group = new Group(PLAN, 0);
  did(group, 1, 0, 100);
  for (const id of [2, 3]) did(group, id, 100, 0);
  group.forget(1);
  group.forget(99);
  assert.deepEqual(group.judge(() => FINE, 5000)?.ejected, []);
});

it('a new plan goes on with the endpoints that stay', () => {
  const group = new Group(PLAN, 0);
  did(group, 1, 0, 100);
  did(group, 2, 100, 0);
  group.follow({ ...PLAN, endpoints: [1, 2] }, 100);
  did(group, 3, 0, 100);
  assert.deepEqual(
    group.judge(() => FINE, 5000)?.ejected.map(({ id }) => id),
    [1],
  );
});

it('a plan that judges anew begins with nothing, and a shorter interval at once', () => {
  const group = new Group({ ...PLAN, outlier: null }, 0);
  did(group, 1, 0, 100);
  group.follow(PLAN, 600_000);
  for (const id of [1, 2, 3]) did(group, id, 100, 0);
  assert.equal(
    group.judge(() => FINE, 604_900),
    null,
  );
  assert.deepEqual(group.judge(() => FINE, 605_000)?.ejected, []);
  group.follow({ ...PLAN, outlier: { ...OUTLIER, intervalMs: 3_600_000 } }, 605_000);
  assert.deepEqual(group.judge(() => FINE, 610_000)?.ejected, [], 'the interval that has begun is as long as it was');
  group.follow(PLAN, 620_000);
  did(group, 1, 20, 80);
  for (const id of [2, 3]) did(group, id, 100, 0);
  assert.deepEqual(
    group.judge(() => FINE, 625_000)?.ejected.map(({ id }) => id),
    [1],
  );
});

it('without outlier settings nobody is judged and there is always room', () => {
  const group = new Group({ ...PLAN, outlier: null }, 0);
  const out = (): Member => ({ isOut: true, inRow: 99 });
  assert.equal(group.judge(out, 1e9), null);
  assert.equal(group.hasRoom(out), true);
});

it('there is room until the allowed share is out', () => {
  const group = new Group(PLAN, 0);
  assert.equal(
    group.hasRoom(() => FINE),
    true,
  );
  assert.equal(
    group.hasRoom((id) => ({ isOut: id === 3, inRow: 0 })),
    false,
  );
});
