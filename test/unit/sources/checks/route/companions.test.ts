/** Routes that a rollout lists: there, free, with the same two versions, in the same proportion. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import { draftOf } from '#src/sources/checks/draft.ts';
import { checkCompanions } from '#src/sources/checks/route/companions.ts';
import { assertProblem, configOf, problemsOf, SOUND_SEVERAL } from '../../../../support/config.ts';

const listed = (routes: string): string => SOUND_SEVERAL.replace('[pay, cart]', routes);

test('routes with both versions in the same proportion are sound, whatever else they send to', () => {
  const config = configOf(SOUND_SEVERAL);
  assert.deepEqual(
    config.routes.map(({ led, rollout }) => led?.by ?? rollout?.routes?.join()),
    ['cart,pay', 'shop', 'shop'],
  );
});

test('a route that is not there is told with the one that was meant; the leading one is not another', () => {
  assertProblem(listed('[pay, «crat]'), 'SLU1233', 'did you mean cart?');
  assertProblem(listed('[pay, «elsewhere]'), 'SLU1233', 'add the route, or take it out');
  assertProblem(listed('[pay, «shop]'), 'SLU1233', '');
});

test('a route has one rollout: none of its own, and one that lists it', () => {
  const own = SOUND_SEVERAL.replace('slo: {availability: 0.99}', '$&\n    rollout: {stable: v1, canary: v2}');
  assertProblem(own.replace('[pay, cart]', '[«pay, cart]'), 'SLU1234', 'remove rollout from pay, or take it out here');
  const third = `  - name: third
    hostnames: [third.test]
    slo: {availability: 0.99}
    backendRefs: [{name: shop, version: v1, weight: 95}, {name: shop, version: v2, weight: 5}]
    rollout: {stable: v1, canary: v2, routes: [«cart]}
`;
  assertProblem(SOUND_SEVERAL + third, 'SLU1234', 'take it out of one of them');
});

test('the same route twice is said once', () => {
  assertProblem(listed('[pay, «pay]'), 'SLU1072', '');
});

test('a route without one of the versions, or with two of that name, is refused', () => {
  const hint = 'add both to its backendRefs, or take it out here';
  const without = SOUND_SEVERAL.replace(', {name: shop, version: v2, weight: 50}', '');
  assertProblem(without.replace('[pay, cart]', '[«pay, cart]'), 'SLU1235', hint);
  const ambiguous = SOUND_SEVERAL.replace('{v3:', '{v1: {endpoints: ["h:1"]}, v3:').replace(
    '{name: other, weight: 5}',
    '{name: other, version: v1, weight: 5}',
  );
  assertProblem(ambiguous.replace('[pay, cart]', '[pay, «cart]'), 'SLU1235', hint);
  const redirect = SOUND_SEVERAL.replace(
    /backendRefs: (.*950.*)/,
    'filters: [{type: RequestRedirect, requestRedirect: {statusCode: 302}}]',
  );
  assert.match(problemsOf(redirect).map(formatProblem).join('\n'), /SLU1235 .*"pay", which sends to nothing/);
});

test('another share of the canary on one of the routes is refused: the sum would not be comparable', () => {
  const other = SOUND_SEVERAL.replace('weight: 950', 'weight: 940');
  assertProblem(other.replace('[pay, cart]', '[«pay, cart]'), 'SLU1236', /^write the same weights there/);
  const none = SOUND_SEVERAL.replace('weight: 950', 'weight: 0').replace('weight: 50', 'weight: 0');
  const codes = problemsOf(none).map(({ code }) => code);
  assert.ok(codes.includes('SLU1236'), codes.join());
  configOf(SOUND_SEVERAL.replace('weight: 950', 'weight: 19').replace('weight: 50', 'weight: 1'));
});

test('nothing is said of a route that is faulty itself', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, nameOf: String, problems: () => [] };
  const rollout = { stable: 'v1', canary: 'v2', routes: ['lost'] };
  const route = { name: 'r', backendRefs: [{ name: 'a', version: 'v1' }], rollout };
  checkCompanions(draftOf({ services: {}, routes: [{ name: 'lost' }, route] }, [['routes', 0]]), report);
});

test('the list is not empty, and holds as many routes as a tick can read', () => {
  assertProblem(listed('«[]'), 'SLU1025', '');
  const many = Array.from({ length: 32 }, (_, n) => `r${n}`).join();
  assertProblem(listed(`«[${many}]`), 'SLU1096', '');
});
