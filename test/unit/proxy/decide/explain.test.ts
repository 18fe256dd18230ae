import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteQuestion } from '#src/model/threads/explain.ts';
import { explainRoute, OTHERS_MAX } from '#src/proxy/decide/explain.ts';
import { type RouteSketch, sketchSnapshot } from '../../../support/plane.ts';
import { TWO_VERSIONS } from '../../../support/proxy/parts.ts';

const QUESTION: RouteQuestion = { method: 'GET', url: 'http://a.test/', headers: [], from: '127.0.0.1' };

function explain(routes: readonly RouteSketch[], changes: Partial<RouteQuestion> = {}) {
  const dials = new Int32Array(1024);
  dials.fill(1);
  const answer = explainRoute(sketchSnapshot({ routes }), { ...QUESTION, ...changes }, { dials, seed: 1 });
  assert.ok(answer.kind === 'done');
  return answer.explanation;
}

test('of many routes those that come nearest are told, and the others are counted', () => {
  const routes = Array.from(
    { length: OTHERS_MAX + 5 },
    (_, n): RouteSketch => ({
      ...TWO_VERSIONS,
      hostnames: n < 2 ? ['b.test'] : ['a.test'],
    }),
  );
  const { route, others, otherHosts, more } = explain(routes);
  assert.equal(route, 'route2');
  assert.deepEqual([others.length, otherHosts, more], [OTHERS_MAX, 2, 2]);
  assert.ok(others.every(({ because }) => because === 'it matches too, and comes after route2'));
});

test('of experiments the group of the user is told', () => {
  const groups = [
    { name: 'blue', weight: 1 },
    { name: 'red', weight: 0 },
  ];
  const experiment = { id: 'e', header: 'x-experiment-e', ratio: 1, groups, key: null };
  const sticky = { header: 'x-user-id', cookie: null, clientIp: false };
  const route: RouteSketch = { ...TWO_VERSIONS, sticky, filters: { experiments: [experiment] } };
  const { experiments, filters } = explain([route], { headers: [['x-user-id', '1']] });
  assert.deepEqual([experiments, filters], [[{ id: 'e', group: 'blue' }], []]);
  const forged: RouteQuestion['headers'] = [['x-experiment-e', 'red']];
  assert.deepEqual(explain([route], { headers: forged }).experiments, [{ id: 'e', group: null }]);
});

test('without a route every route is told why not', () => {
  const told = explain([{ ...TWO_VERSIONS, hostnames: ['b.test'] }]);
  assert.deepEqual([told.outcome, told.reason, told.status, told.otherHosts], ['refused', 'no_route', 404, 1]);
  assert.deepEqual([told.route, told.version, told.others], [null, null, []]);
});
