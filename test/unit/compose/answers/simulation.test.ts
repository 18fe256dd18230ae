import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { answerSimulation } from '#src/compose/answers/simulation.ts';
import type { Config } from '#src/model/config.ts';
import type { SimulationAnswer, SimulationQuestion } from '#src/model/threads/load/simulation.ts';
import { parseConfig } from '#src/sources/parse.ts';

const ROUTE = (name: string, more: string) => `
  - name: ${name}
    matches: [{ path: { value: /${name} } }]
    backendRefs:
      - { name: shop, version: v1, weight: 75 }
      - { name: shop, version: v2, weight: 25 }
    slo: { availability: 0.999 }${more}`;
const WATCHED = '\n    rollout: { stable: v1, canary: v2 }';
const STICKY = '\n    sticky: { header: x-user-id }';

function configOf(...routes: string[]): Config {
  const text = `listen: "127.0.0.1:0"
services:
  shop:
    versions:
      v1: { endpoints: ["127.0.0.1:7001"] }
      v2: { endpoints: ["127.0.0.1:7002"] }
routes:${routes.join('')}
`;
  const parsed = parseConfig(text, 'x.yaml', {});
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.config;
}

const HEALTHY = { errorRatio: 0.001, latency: null };
const QUESTION: SimulationQuestion = {
  route: null,
  traffic: { requestsPerSecond: 100, users: 1000, stable: HEALTHY, canary: { ...HEALTHY, errorRatio: 1 } },
  seeds: [5, 6, 7],
  limitMs: 60_000,
};

function detail(answer: SimulationAnswer): string {
  return answer.kind === 'unknown' ? answer.detail : answer.kind;
}

suite('simulations', () => {
  test('a rollout is simulated by its own terms and weights, once for each seed', () => {
    const answer = answerSimulation(configOf(ROUTE('shop', WATCHED), ROUTE('back', '')), QUESTION);
    assert.ok(answer.kind === 'done');
    assert.deepEqual([answer.route, answer.stable, answer.canary, answer.isSticky], ['shop', 'v1', 'v2', false]);
    const histories = [...answer.histories];
    assert.deepEqual(
      histories.map(({ seed, outcome, percent }) => [seed, outcome, percent]),
      [5, 6, 7].map((seed) => [seed, 'rolled-back', 25]),
    );
    assert.match(histories[0]?.sentence ?? '', /v2/);
  });

  test('a route that keeps its users is known', () => {
    const answer = answerSimulation(configOf(ROUTE('shop', STICKY + WATCHED)), QUESTION);
    assert.ok(answer.kind === 'done' && answer.isSticky);
  });

  test('a route that has none, or that is not named where several have one, is refused with what was meant', () => {
    const two = configOf(ROUTE('shop', WATCHED), ROUTE('back', WATCHED));
    const ask = (config: Config, route: string | null) => detail(answerSimulation(config, { ...QUESTION, route }));
    assert.equal(ask(two, null), '2 routes have a rollout, name one: shop, back');
    assert.equal(ask(two, 'shpo'), 'route shpo has no rollout (did you mean shop?)');
    assert.equal(ask(two, 'back'), 'done');
    assert.equal(ask(configOf(ROUTE('shop', '')), null), 'no route has a rollout');
  });
});
