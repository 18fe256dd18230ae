import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { forecastText } from '#src/cli/admin/plan.ts';
import { runCli } from '#src/cli/cli.ts';
import type { Forecast, ForecastAnswer, ForecastQuestion } from '#src/model/rollout.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleView } from '../../../support/readings/view.ts';

const FORECAST: Forecast = {
  route: 'shop',
  traffic: { requestsPerSecond: 100, errorRatio: 0.001, latency: null },
  toleratedErrorRatio: 0.0015,
  allowedErrorRatio: 0.001,
  steps: [
    {
      percent: 5,
      canaryRps: 5,
      staySeconds: 300,
      smallestErrorRatio: 0.0123,
      findings: [
        { fault: { errorRatio: 0.01 }, seconds: 401.4, harmed: 20.1, isInTime: false },
        { fault: { errorRatio: 1 }, seconds: 0.94, harmed: 4.7, isInTime: true },
        { fault: { slowdown: 1.5 }, seconds: null, harmed: null, isInTime: false },
      ],
    },
    { percent: 100, canaryRps: 100, staySeconds: null, smallestErrorRatio: null, findings: [] },
  ],
  rampSeconds: 300,
  start: { least: 0.5, most: 50 },
  warnings: [],
  sentence: 'shop is forecast.',
};
const SOUND = readFileSync(new URL('../../../../config/examples/canary.yaml', import.meta.url), 'utf8');
const WARNED: Forecast = { ...FORECAST, warnings: ['the first step is too small'] };

/** Runs `sluice plan …` against an admin server that answers so. */
async function cli(context: TestContext, argv: readonly string[], answer: ForecastAnswer) {
  const questions: ForecastQuestion[] = [];
  const view = sampleView({
    forecast: (question) => {
      questions.push(question);
      return answer;
    },
  });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  context.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url } });
  const code = await runCli(['plan', ...argv], deps);
  return { code, out: out(), err: err(), questions };
}

suite('sluice plan', { timeout: 120_000 }, () => {
  test('the running gateway is asked, and its forecast shown as a table', async (context) => {
    const done: ForecastAnswer = { kind: 'done', forecasts: [FORECAST] };
    const { code, out, questions } = await cli(context, ['shop', '--rps', '100', '--errors', '0.001'], done);
    assert.equal(code, 0);
    assert.deepEqual(questions, [{ route: 'shop', rps: '100', errors: '0.001', p50: null, p99: null }]);
    assert.deepEqual(out.split('\n'), [
      'shop is forecast.',
      'step   canary/s  stay      finds from  1 % errors      100 % errors  1.5 x slower',
      '5 %    5         5 min     1.2 %       (6.7 min / 20)  0.94 s / 5    never',
      '100 %  100       for ever  nothing',
      'time to the rollback / canary requests spoiled; (in brackets): later than the stay',
      '',
    ]);
  });

  test('warnings are listed, and the exit code is 1', async (context) => {
    const { code, out } = await cli(context, [], { kind: 'done', forecasts: [FORECAST, WARNED] });
    assert.equal(code, 1);
    assert.match(out, /\nwarning: the first step is too small\n$/);
  });

  test('JSON has every number', async (context) => {
    const { code, out } = await cli(context, ['-o', 'json'], { kind: 'done', forecasts: [FORECAST] });
    assert.deepEqual([code, JSON.parse(out)], [0, { forecasts: [FORECAST] }]);
  });

  test('what cannot be answered is said, with exit code 1', async (context) => {
    const unknown = await cli(context, ['shpo'], { kind: 'unknown', detail: 'route shpo has no rollout' });
    assert.deepEqual([unknown.code, unknown.out, unknown.err], [1, '', 'sluice: route shpo has no rollout\n']);
    const refused = await cli(context, ['--rps', 'x'], { kind: 'refused', detail: 'rps must be a number' });
    assert.deepEqual([refused.code, refused.err], [1, 'sluice: rps must be a number\n']);
  });

  test('a gateway that is not there is exit code 3', async () => {
    const { deps, err } = recordedDeps();
    assert.equal(await runCli(['plan', '--admin', 'http://127.0.0.1:1'], deps), 3);
    assert.match(err(), /cannot reach the admin server at http:\/\/127\.0\.0\.1:1/);
  });

  test('a document is forecast without a gateway', async () => {
    const asked: ForecastQuestion[] = [];
    const { deps, out } = recordedDeps();
    const config = {
      ...(await deps.config()),
      readText: () => Promise.resolve(SOUND),
      parse: (text: string, file: string) => parseConfig(text, file, {}),
      forecast: (_: unknown, question: ForecastQuestion): ForecastAnswer => {
        asked.push(question);
        return { kind: 'done', forecasts: [FORECAST] };
      },
    };
    const code = await runCli(['plan', '--config', 'x.yaml', '--rps', '5', '--errors', '0'], {
      ...deps,
      config: async () => config,
    });
    assert.deepEqual([code, asked[0]?.rps, out()], [0, '5', forecastText(FORECAST)]);
  });

  test('a document with problems is told with all of them', async () => {
    const { deps, err } = recordedDeps();
    const parse = (text: string, file: string) => parseConfig(text, file, {});
    const config = { ...(await deps.config()), readText: () => Promise.resolve('routes: 7\n'), parse };
    assert.equal(await runCli(['plan', '--config', 'x.yaml'], { ...deps, config: async () => config }), 1);
    assert.match(err(), /x\.yaml:1:\d+/);
  });

  test('a document and a gateway at once are wrong usage', async () => {
    const { deps, err } = recordedDeps();
    assert.equal(await runCli(['plan', '--config', 'x.yaml', '--admin', 'http://127.0.0.1:1'], deps), 2);
    assert.match(err(), /exclude each other/);
  });
});
