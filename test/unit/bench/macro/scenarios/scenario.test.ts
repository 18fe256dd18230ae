import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONNECTIONS_MAX, UPSTREAM_CONNECTIONS_MAX } from '../../../../../bench/macro/contenders/contender.ts';
import { requestOf } from '../../../../../bench/macro/load/request.ts';
import {
  attempt,
  chooseScenarios,
  SCENARIOS,
  type Turns,
  takeTurn,
} from '../../../../../bench/macro/scenarios/scenario.ts';

describe('the scenarios', () => {
  test('have different names, and connections that every gateway is told to accept', () => {
    assert.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
    for (const scenario of SCENARIOS) {
      const most = scenario.kind === 'closed' ? UPSTREAM_CONNECTIONS_MAX : CONNECTIONS_MAX;
      assert.ok(scenario.connections <= most, scenario.name);
      assert.ok(scenario.contenders.includes('sluice'));
    }
  });

  test('have requests that can be written', () => {
    for (const scenario of SCENARIOS) {
      if (scenario.kind !== 'closed') continue;
      for (const { setup } of scenario.variants) {
        assert.ok(requestOf({ ...scenario.shape, routes: setup.routes }, 63, 65_535).length > 0);
      }
    }
  });

  test('are chosen by name in the order of the table', () => {
    assert.deepEqual(
      chooseScenarios(['idle', 'small-get']).map(({ name }) => name),
      ['small-get', 'idle'],
    );
    assert.equal(chooseScenarios(['all']).length, SCENARIOS.length);
    assert.throws(() => chooseScenarios(['idle', 'tls']), /got tls/);
  });

  test('of the headline have only the gateways that the criteria need', () => {
    const headline = chooseScenarios(['headline']);
    assert.deepEqual(headline.find(({ name }) => name === 'routes')?.contenders, ['sluice']);
    assert.ok(headline.every(({ contenders }) => contenders.includes('sluice')));
  });
});

describe('an entrant', () => {
  const signal = new AbortController().signal;
  const entrant = (): Turns<number> => ({ name: 'a', samples: [], refused: null });

  test('collects samples until it fails, and is not asked again', async () => {
    const one = entrant();
    let asked = 0;
    const work = (): Promise<number> => {
      asked += 1;
      return asked < 3 ? Promise.resolve(asked) : Promise.reject(new Error('3 bad answers'));
    };
    for (let turn = 0; turn < 5; turn++) await takeTurn(one, signal, work);
    assert.deepEqual(one.samples, [1, 2]);
    assert.equal(one.refused, '3 bad answers');
    assert.equal(asked, 3);
  });

  test('is not blamed for the end of the run', async () => {
    const one = entrant();
    const abort = new AbortController();
    const work = (): Promise<never> => {
      abort.abort();
      return Promise.reject(new Error('killed'));
    };
    await assert.rejects(attempt(one, abort.signal, work), { name: 'AbortError' });
    assert.equal(one.refused, null);
    await assert.rejects(
      takeTurn(one, abort.signal, () => Promise.resolve(1)),
      { name: 'AbortError' },
    );
    assert.deepEqual(one.samples, []);
  });
});
