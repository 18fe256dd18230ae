import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RolloutPlan } from '#src/model/config.ts';
import type { ForecastTraffic } from '#src/model/rollout.ts';
import { forecast } from '#src/slo/rollout/planner/forecast.ts';
import { POLICY } from '../../../../support/simulate/rollout.ts';

const MINUTE_MS = 60_000;
const PLAN: RolloutPlan = {
  steps: [1, 5, 25, 50, 100].map((percent) => ({ percent, dwellMs: (percent === 50 ? 10 : 2) * MINUTE_MS })),
  needsEvidence: true,
  requestsMin: 1000,
  stepMaxMs: 60 * MINUTE_MS,
  onStepMax: 'pause',
  bakeMs: 60 * MINUTE_MS,
  autoStart: false,
};
const POLICY_OF_PLAN = { ...POLICY, plan: PLAN, budgetRatio: 1 - 0.999 };
const BUSY: ForecastTraffic = { requestsPerSecond: 1000, errorRatio: 0.0005, latency: null };

function of(traffic: Partial<ForecastTraffic> = {}, plan: Partial<RolloutPlan> | null = {}) {
  const policy = { ...POLICY_OF_PLAN, plan: plan === null ? null : { ...PLAN, ...plan } };
  return forecast({ route: 'shop', policy, configuredPercent: 5 }, { ...BUSY, ...traffic });
}

suite('forecast', () => {
  test('every step says how many requests the canary gets and how long it stays', () => {
    const { steps, rampSeconds } = of();
    assert.deepEqual(
      steps.map(({ percent, canaryRps }) => [percent, canaryRps]),
      [
        [1, 10],
        [5, 50],
        [25, 250],
        [50, 500],
        [100, 1000],
      ],
    );
    assert.deepEqual(
      steps.map(({ staySeconds }) => staySeconds),
      [120, 120, 120, 600, 3600],
    );
    assert.equal(rampSeconds, 960);
  });

  test('a step waits for its proof where that takes longest', () => {
    const { steps } = of({ requestsPerSecond: 100 }, { requestsMin: 1 });
    // ln(40) / (0.8 p_max) requests, and some more for those that fail.
    assert.ok((steps[0]?.staySeconds ?? 0) > 922 && (steps[0]?.staySeconds ?? 0) < 1300, `${steps[0]?.staySeconds}`);
  });

  test('a step waits for its requests where they take longest', () => {
    const { steps } = of({}, { requestsMin: 100_000 });
    assert.equal(steps[1]?.staySeconds, 2000);
  });

  test('the smallest error ratio of a step takes just its stay', () => {
    const { steps } = of();
    const ratios = steps.map(({ smallestErrorRatio }) => smallestErrorRatio);
    assert.ok((ratios[0] as number) > (ratios[1] as number) && (ratios[1] as number) > (ratios[2] as number));
    assert.equal(ratios[4], null, 'with everybody on the canary there is nobody left to compare with');
  });

  test('what is found is told with its time and its harm', () => {
    const findings = of().steps[1]?.findings ?? [];
    assert.deepEqual(
      findings.map(({ fault }) => fault),
      [{ errorRatio: 0.01 }, { errorRatio: 0.05 }, { errorRatio: 0.5 }, { errorRatio: 1 }],
    );
    for (const { seconds, harmed, isInTime } of findings) {
      assert.ok(isInTime && (seconds as number) < 60 && (harmed as number) >= POLICY.badMin, `${seconds} ${harmed}`);
    }
  });

  test('slowness is forecast where the latency is known', () => {
    const { steps } = of({ latency: { p50Ms: 50, p99Ms: 321 } });
    const slow = steps[1]?.findings.filter(({ fault }) => 'slowdown' in fault) ?? [];
    assert.deepEqual(
      slow.map(({ isInTime }) => isInTime),
      [true, true],
    );
  });

  test('what is found later than the stay says so', () => {
    const late = of({ requestsPerSecond: 20 }, { requestsMin: 1, needsEvidence: false }).steps[0]?.findings ?? [];
    assert.deepEqual(
      late.map(({ isInTime }) => isInTime),
      [false, false, true, true],
    );
  });

  test('the least start weight finds a canary that spends the budget ten times too fast, in the first step', () => {
    const { start } = of();
    assert.ok((start.least as number) > 0.2 && (start.least as number) < 2, `${start.least}`);
    assert.equal(start.most, 5);
    assert.equal(of({ requestsPerSecond: 1 }).start.least, null);
    assert.equal(of({ requestsPerSecond: 10 }).start.most, 100);
  });

  test('a plan that finds everything in time warns of nothing', () => {
    const traffic = { requestsPerSecond: 50_000, errorRatio: 0.0001 };
    const steps = [1, 10, 50, 100].map((percent) => ({ percent, dwellMs: 20 * MINUTE_MS }));
    const { warnings, sentence } = of(traffic, { steps: [{ percent: 0.1, dwellMs: 20 * MINUTE_MS }, ...steps] });
    assert.deepEqual(warnings, []);
    assert.match(
      sentence,
      /^shop at 50000 requests\/s and 0\.01 % errors: canary errors from 0\.0\d+ % on are found in time/,
    );
  });

  test('it warns of what the objective forbids and no step can tell', () => {
    const { warnings } = of({ requestsPerSecond: 50 });
    assert.match(
      warnings.join('\n'),
      /the objective allows 0\.1 % errors, but a canary below [\d.]+ % passes every step/,
    );
  });

  test('it warns of what is tolerated although the objective forbids it', () => {
    assert.match(of({ errorRatio: 0.001 }).warnings.join('\n'), /a canary with 0\.15 % errors is tolerated/);
    assert.doesNotMatch(of({ errorRatio: 0.01 }).warnings.join('\n'), /is tolerated/, 'stable itself forfeits it');
  });

  test('it warns of steps that a healthy canary does not leave in time, or ever', () => {
    const slow = of({ requestsPerSecond: 5 }).warnings.join('\n');
    assert.match(slow, /at 1 % a healthy canary needs .* more than stepMax 1 h: it pauses there/);
    const rolled = of({ requestsPerSecond: 5 }, { onStepMax: 'rollback' }).warnings.join('\n');
    assert.match(rolled, /it is rolled back there/);
  });

  test('it warns of a first step that is too small, or large enough to do harm', () => {
    const small = of({ requestsPerSecond: 100 }).warnings.join('\n');
    assert.match(small, /the first step, 1 %, is too small to find in its time/);
    const steps = [50, 100].map((percent) => ({ percent, dwellMs: 10 * MINUTE_MS }));
    assert.match(of({}, { steps }).warnings.join('\n'), /spoils more than 10 requests at 50 %/);
  });

  test('traffic that convicts nobody is said to', () => {
    const { warnings, sentence, start } = of({ requestsPerSecond: 0.01 }, { needsEvidence: false, requestsMin: 0 });
    assert.match(warnings.join('\n'), /cannot convict any canary within a step/);
    assert.match(sentence, /no step finds even a canary that fails everything/);
    assert.equal(start.least, null);
  });

  test('a canary that is only watched has its configured weight and all the time', () => {
    const { steps, rampSeconds, sentence } = of({}, null);
    assert.deepEqual(
      steps.map(({ percent, staySeconds }) => [percent, staySeconds]),
      [[5, 86_400]],
    );
    assert.equal(rampSeconds, 0);
    assert.match(sentence, /it is only watched/);
  });

  test('no number is NaN or infinite, for any traffic', () => {
    for (const requestsPerSecond of [1e-6, 0.5, 1e7]) {
      for (const errorRatio of [0, 0.001, 0.99]) {
        const latency = { p50Ms: 50, p99Ms: 51 };
        const numbers = JSON.stringify(of({ requestsPerSecond, errorRatio, latency }), (_, value: unknown) =>
          typeof value === 'number' && !Number.isFinite(value) ? 'broken' : value,
        );
        assert.doesNotMatch(numbers, /broken/, `${requestsPerSecond}/s, ${errorRatio}`);
      }
    }
  });
});
