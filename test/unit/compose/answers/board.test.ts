/** What the page is shown, chosen from many routes. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { boardSource } from '#src/compose/answers/board.ts';
import type { SavedRollout } from '#src/model/rollout.ts';
import type { SloStatus } from '#src/model/status.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { sampleRoute, sampleSlo, sampleStatus, sampleVersion } from '../../../support/readings/status.ts';

const COUNT = 300;
const ROUTES = Array.from(
  { length: COUNT },
  (_, n) =>
    `  - {name: r${n}, matches: [{path: {value: /r${n}}}], slo: {availability: 0.99}, backendRefs: [{name: shop, version: v1}]}`,
);
const DOCUMENT = `
services: {shop: {slo: {availability: 0.99}, versions: {v1: {endpoints: ["127.0.0.1:1"]}}}}
routes:
${ROUTES.join('\n')}
`;

const FAULTS = (['scheduled', 'active', 'over', 'stopped'] as const).map((state) => ({
  id: `r1/${state}`,
  route: 'r1',
  state,
  sentence: '',
  from: '',
  until: '',
}));

/** With a small step in front of those of the plan. */
const SAVED: SavedRollout = {
  format: 1,
  route: 'r',
  generation: 'g',
  rollout: {
    state: { kind: 'progressing' },
    ladder: [0.5, 50, 100].map((percent) => ({ percent, dwellMs: 1000 })),
    fixReason: '',
    leftAtStart: null,
    spentBefore: 0,
    undo: null,
  },
  decision: null,
};

const PARSED = parseConfig(DOCUMENT, 'x.yaml', {});

function currentOf(): Current {
  assert.ok(PARSED.ok, JSON.stringify(PARSED));
  const store = new Store({ file: 'x.yaml', dials: createDials(), wallTime: () => '', mayRecycle: () => false });
  assert.equal(store.offer({ ok: true, config: PARSED.config, warnings: [] }).kind, 'swapped');
  return store.current as Current;
}

/** `left`: what is left of the budget of a route; 1 of all others. */
function sourceOf(left: Readonly<Record<string, number>>, rolledBack: readonly string[] = []) {
  const current = currentOf();
  const asked: number[][] = [];
  const rollout = { ...(sampleRoute().rollout as NonNullable<ReturnType<typeof sampleRoute>['rollout']>) };
  const statusOf = (scope: SloStatus['scope'], name: string): SloStatus[] =>
    scope === 'gateway' ? [] : [sampleSlo({ scope, name, remainingRatio: left[name] ?? 1 })];
  const costly = (): never => assert.fail('the status of all routes was computed');
  const source = boardSource({
    current: () => current,
    status: () =>
      Object.defineProperties(sampleStatus({ faults: FAULTS }), { routes: { get: costly }, slos: { get: costly } }),
    routesAt: (indexes) => {
      asked.push([...indexes]);
      const endpoint = {
        address: 'a:1',
        inFlight: 0,
        connections: 0,
        requests: 0,
        bad: 0,
        connectFailures: 0,
        panics: 0,
        ejections: 0,
        because: '',
      };
      const endpoints = Array.from({ length: 30 }, (_, n) => ({
        ...endpoint,
        address: `a:${n}`,
        capacityRatio: 1,
        state: n === 29 ? ('ejected' as const) : ('up' as const),
      }));
      return indexes.map((index) =>
        sampleRoute({ name: `r${index}`, versions: Array.from({ length: 20 }, () => sampleVersion({ endpoints })) }),
      );
    },
    totals: new Totals(),
    slos: { leftOf: (name) => ({ remainingRatio: left[name] ?? 1, fast: [] }), statusOf },
    rollouts: { decisions: [], saved: () => SAVED, statuses: () => new Map(rolledBack.map((name) => [name, rollout])) },
    revisions: () => [],
    isReadOnly: () => true,
  });
  return { source, asked };
}

suite('board', () => {
  test('of many routes those with least budget are shown, worst first', () => {
    const { source } = sourceOf({ r7: 0.2, r250: -0.5, r9: 0.6 });
    assert.deepEqual(source.choose([], 4), ['r250', 'r7', 'r9', 'r0']);
  });

  test('what is asked for and what was rolled back is among them, whatever its budget; what does not exist is not', () => {
    const { source } = sourceOf({ r7: 0.2 }, ['r120']);
    const shown = source.choose(['r299', 'nowhere'], 3);
    assert.deepEqual(shown, ['r7', 'r120', 'r299']);
    assert.equal(
      source.choose(
        Array.from({ length: 50 }, (_, n) => `r${n}`),
        24,
      ).length,
      24,
    );
  });

  test('only routes that are shown are read, and of them no more than there is room for', () => {
    const { source, asked } = sourceOf({ r7: 0.2 });
    const [reading] = source.routes(['r7', 'gone']);
    assert.deepEqual(asked, [[7]]);
    assert.equal(reading?.remainingRatio, 0.2);
    assert.deepEqual(reading.ladder, [0.5, 50, 100], 'as it was begun');
    assert.equal(reading.route.versions.length, 16);
    assert.deepEqual(reading.more, { versions: 4, endpoints: 16 * 10 });
    assert.equal(reading.route.versions[0]?.endpoints[0]?.state, 'ejected', 'those in trouble first');
  });

  test('the gateway part costs nothing that grows with the routes', () => {
    const { source } = sourceOf({});
    assert.equal(source.gateway().ready, true);
    assert.deepEqual(
      source.gateway().faults.map(({ state }) => state),
      ['active'],
    );
    assert.deepEqual([source.routesTotal(), source.isReadOnly(), source.services().length], [COUNT, true, 1]);
  });

  test('totals are those of the versions of a route; of no route none', () => {
    const { source } = sourceOf({});
    assert.deepEqual(
      source.totals('r3').map(({ version, finished }) => [version, finished]),
      [['v1', 0]],
    );
    assert.deepEqual(source.totals('nowhere'), []);
  });
});
