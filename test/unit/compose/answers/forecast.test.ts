import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { answerForecast, type Measured, NOT_MEASURED } from '#src/compose/answers/forecast.ts';
import type { Config } from '#src/model/config.ts';
import type { ForecastAnswer, ForecastQuestion } from '#src/model/rollout.ts';
import { parseConfig } from '#src/sources/parse.ts';

const ROUTE = (name: string, more: string) => `
  - name: ${name}
    matches: [{ path: { value: /${name} } }]
    backendRefs:
      - { name: shop, version: v1, weight: 75 }
      - { name: shop, version: v2, weight: 25 }
    slo: { availability: 0.999 }${more}`;
const WATCHED = '\n    rollout: { stable: v1, canary: v2 }';

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

const CONFIG = configOf(ROUTE('shop', WATCHED), ROUTE('back', ''));
const ASKED: ForecastQuestion = { route: null, rps: '100', errors: '0.001', p50: null, p99: null };
const MEASURED: Measured = { requestsPerSecond: 40, errorRatio: 0.002, latency: { p50Ms: 20, p99Ms: 90 } };

function ask(changes: Partial<ForecastQuestion>, measured: Measured = NOT_MEASURED, config = CONFIG): ForecastAnswer {
  return answerForecast(config, { ...ASKED, ...changes }, () => measured);
}

function detailOf(answer: ForecastAnswer): string {
  assert.notEqual(answer.kind, 'done');
  return answer.kind === 'done' ? '' : `${answer.kind}: ${answer.detail}`;
}

suite('answerForecast', () => {
  test('every route with a rollout is forecast, at the traffic that is asked for', () => {
    const answer = ask({});
    assert.ok(answer.kind === 'done');
    assert.deepEqual(
      answer.forecasts.map(({ route, traffic }) => [route, traffic]),
      [['shop', { requestsPerSecond: 100, errorRatio: 0.001, latency: null }]],
    );
    assert.equal(answer.forecasts[0]?.steps[0]?.percent, 25, 'the configured weight of a canary that is only watched');
  });

  test('what is not asked for is as measured', () => {
    const answer = ask({ rps: null, errors: null }, MEASURED);
    assert.ok(answer.kind === 'done');
    assert.deepEqual(answer.forecasts[0]?.traffic, MEASURED);
    const asked = ask({ rps: null, p50: '10', p99: '30' }, MEASURED);
    assert.ok(asked.kind === 'done');
    assert.deepEqual(asked.forecasts[0]?.traffic.latency, { p50Ms: 10, p99Ms: 30 });
  });

  test('what is neither asked for nor measured is asked back for', () => {
    assert.match(detailOf(ask({ rps: null })), /^refused: no traffic of shop was measured: say .*rps/);
    assert.match(detailOf(ask({ rps: null }, { ...MEASURED, requestsPerSecond: 0 })), /no traffic of shop/);
    assert.match(detailOf(ask({ errors: null })), /^refused: no errors of shop were measured/);
  });

  test('numbers that are none, or out of range, are told with what they may be', () => {
    assert.match(detailOf(ask({ rps: 'many' })), /^refused: rps must be a number from .* got "many"$/);
    for (const rps of ['', ' ', '0', '-1', 'NaN', 'Infinity', '1e9']) detailOf(ask({ rps }));
    for (const errors of ['-0.1', '1', '5%']) assert.match(detailOf(ask({ errors })), /errors must be a number/);
    assert.match(detailOf(ask({ p50: '10' })), /p50 and p99 go together/);
    assert.match(detailOf(ask({ p50: '10', p99: '10' })), /p99 must be a number from 10\.1/);
    assert.ok(detailOf(ask({ rps: 'x'.repeat(10_000) })).length < 200);
  });

  test('a route without a rollout is unknown, with the one that was meant', () => {
    assert.match(detailOf(ask({ route: 'back' })), /^unknown: route back has no rollout/);
    assert.match(detailOf(ask({ route: 'shpo' })), /did you mean shop\?/);
    assert.match(detailOf(ask({}, NOT_MEASURED, configOf(ROUTE('back', '')))), /^unknown: no route has a rollout/);
  });

  test('more rollouts than are told at once need a name', () => {
    const many = configOf(...Array.from({ length: 21 }, (_, n) => ROUTE(`r${n}`, WATCHED)));
    assert.match(detailOf(ask({}, NOT_MEASURED, many)), /^refused: 21 routes have a rollout: name one/);
    assert.equal(ask({ route: 'r20' }, NOT_MEASURED, many).kind, 'done');
  });
});
