import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runScenario } from '../../../../../bench/macro/scenarios/outcome.ts';
import { SCENARIOS } from '../../../../../bench/macro/scenarios/scenario.ts';
import { fakeRun } from '../../support/session.ts';

describe('runScenario', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  for (const name of ['small-get', 'latency', 'idle']) {
    test(`runs ${name} as what it is`, async (t) => {
      const scenario = SCENARIOS.find((one) => one.name === name);
      assert.ok(scenario !== undefined);
      const { session } = await fakeRun(t, { rounds: 0, rate: 100 });
      const { kind, series } = await runScenario({ ...scenario, contenders: [] }, session);
      assert.equal(kind, scenario.kind);
      // Only the row without a gateway needs none.
      assert.equal(series.length, kind === 'latency' ? 1 : 0);
    });
  }
});
