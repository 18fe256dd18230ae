import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Usage } from '../../../../../bench/macro/accounts/accounts.ts';
import type { LoadResult } from '../../../../../bench/macro/load/wrk.ts';
import { closedSample, runClosed } from '../../../../../bench/macro/scenarios/closed.ts';
import { type ClosedScenario, SCENARIOS } from '../../../../../bench/macro/scenarios/scenario.ts';
import { fakeRun } from '../../support/session.ts';

const RESULT: LoadResult = {
  requests: 10_000,
  durationUs: 2_000_000,
  badStatus: 0,
  socketErrors: 0,
  p50Us: 1_000,
  p99Us: 2_500,
  maxUs: 9_000,
};
const USAGE: Usage = { gatewaySeconds: 0.9, gatewayRatio: 0.45, loadCoreRatio: 1, noiseRatio: 0, stealRatio: 0 };

describe('closedSample', () => {
  test('divides CPU time by answered requests', () => {
    const sample = closedSample(RESULT, USAGE);
    assert.equal(sample.cpuUs, 90);
    assert.equal(sample.requestsPerSecond, 5_000);
    assert.equal(sample.p99Ms, 2.5);
  });

  test('refuses bad answers: a gateway that fails fast is not a fast one', () => {
    assert.throws(() => closedSample({ ...RESULT, badStatus: 3 }, USAGE), /3 bad answers/);
    assert.throws(() => closedSample({ ...RESULT, socketErrors: 2 }, USAGE), /2 socket errors/);
    assert.throws(() => closedSample({ ...RESULT, requests: 0 }, USAGE), /0 requests/);
  });
});

const PAIR = { contenders: ['node-undici', 'http-proxy-3'] } as const;
const [SMALL_GET] = SCENARIOS.filter((one): one is ClosedScenario => one.name === 'small-get');

describe('runClosed', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  test('measures in turns, and all gateways are up all the time', async (t) => {
    assert.ok(SMALL_GET !== undefined);
    const { session, told, loads } = await fakeRun(t, { rounds: 2, warmUpSeconds: 1 });
    const series = await runClosed({ ...SMALL_GET, ...PAIR }, session);
    const ports = loads().map((line) => /:(\d+)\/$/.exec(line)?.[1]);
    const [a, b] = ports;
    assert.notEqual(a, b);
    assert.deepEqual(ports, [a, b, a, b, a, b], 'two warm-ups, then two rounds');
    assert.deepEqual(
      series.map(({ name, refused, samples }) => [name, refused, samples.length]),
      [
        ['node-undici', null, 2],
        ['http-proxy-3', null, 2],
      ],
    );
    assert.equal(told.length, 4);
  });

  test('looks longer in a smoke test where nobody was answered, and only there', async (t) => {
    assert.ok(SMALL_GET !== undefined);
    const still = (turn: number): string | null => (turn < 2 ? JSON.stringify({ ...RESULT, requests: 0 }) : null);
    const one = { ...SMALL_GET, contenders: ['node-undici'] } as const;
    const smoke = await fakeRun(t, { rounds: 1 }, still);
    const [patient] = await runClosed(one, smoke.session);
    assert.deepEqual([patient?.refused, patient?.samples.length], [null, 1]);
    assert.deepEqual(
      smoke.loads().map((line) => /-d(\d+)s/.exec(line)?.[1]),
      ['1', '2', '4'],
    );
    const strict = await fakeRun(t, { rounds: 1, isSmoke: false }, still);
    const [refused] = await runClosed(one, strict.session);
    assert.match(refused?.refused ?? '', /^0 requests/);
  });

  test('goes on without a gateway that answers badly', async (t) => {
    assert.ok(SMALL_GET !== undefined);
    const bad = JSON.stringify({ ...RESULT, badStatus: 7 });
    const { session, loads } = await fakeRun(t, { rounds: 2 }, (turn) => (turn === 0 ? bad : null));
    const [first, second] = await runClosed({ ...SMALL_GET, ...PAIR }, session);
    assert.match(first?.refused ?? '', /7 bad answers/);
    assert.equal(second?.samples.length, 2);
    assert.equal(loads().length, 3);
  });
});
