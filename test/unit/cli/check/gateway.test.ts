import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkGateway } from '#src/cli/check/gateway.ts';
import type { Status } from '#src/model/status.ts';
import { ONE_DEFECT, sampleRoute, sampleSlo, sampleSource, sampleStatus } from '../../../support/readings/status.ts';

const SERVING = { id: 0, state: 'serving', revision: 1, restarts: 0 } as const;

const odd = (changes: Partial<Status>, hash: string | null = null): string[] =>
  checkGateway(sampleStatus(changes), hash)
    .filter(({ state }) => state !== 'pass')
    .map(({ state, sentence }) => `${state}: ${sentence}`);

/** What a sample says that is not as it should be. */
const USUAL = odd({});
const news = (changes: Partial<Status>, hash: string | null = null): string[] =>
  odd(changes, hash).filter((line) => !USUAL.includes(line));

suite('checks of a gateway', () => {
  test('what is as it should be passes', () => {
    const checks = checkGateway(
      sampleStatus({ routes: [], slos: [], workers: [SERVING], sources: [sampleSource({ staleMs: 5 })] }),
      null,
    );
    assert.deepEqual(
      checks.filter(({ state }) => state !== 'pass'),
      [],
    );
    assert.ok(checks.length >= 3);
  });

  test('each thing that is not has its line', () => {
    const { config } = sampleStatus();
    assert.deepEqual(news({ ready: false, notReadyBecause: 'draining' }), [
      'fail: sluice 0.1.0 is not ready: draining',
    ]);
    assert.deepEqual(news({ workers: [SERVING, { ...SERVING, state: 'gone' }] }), ['warn: 1 of 2 workers serve']);
    assert.deepEqual(news({ workers: [{ ...SERVING, restarts: 2 }] }), [
      'warn: all workers serve, after 2 were replaced',
    ]);
    const last = { ...config.last, result: 'refused' } as const;
    assert.match(
      news({ config: { ...config, last } })[0] ?? '',
      /^fail: the newest configuration was refused: 0 problems$/,
    );
    assert.match(news({}, 'other')[0] ?? '', /^warn: another configuration is in force: revision/);
    assert.deepEqual(news({}, config.hash), []);
    const sources = [
      sampleSource({ name: 'a', lastError: 'no' }),
      sampleSource({ name: 'b', lastError: '', staleMs: 61_000 }),
      sampleSource({ name: 'c', shrink: { pieces: 1, forMs: 1 } }),
    ];
    assert.deepEqual(
      news({ sources }).map((line) => line.split(' ')[1]),
      ['a', 'b', 'c'],
    );
    assert.match(news({ eventsLost: 3 })[0] ?? '', /3 bad events/);
    assert.deepEqual(news({ defects: ONE_DEFECT }), [
      'warn: SLU1925 came up in its rollouts 2 times: TypeError at judgement.ts:68:5',
    ]);
    const alerts = [
      { severity: 'page', long: '1h', short: '5m', factor: 14.4, isFiring: true, firingForMs: 1 },
    ] as const;
    const slos = [sampleSlo({ scope: 'route', name: 'x', alerts })];
    assert.deepEqual(news({ slos }), ['warn: availability of route x burns its budget: page']);
  });

  test('a rollout that was rolled back, and a version without endpoints, are told', () => {
    const { rollout, versions } = sampleRoute();
    assert.ok(rollout !== null);
    const back = sampleRoute({ name: 'a', rollout: { ...rollout, state: 'rolled-back', sentence: 'v2 was bad' } });
    assert.match(odd({ routes: [back] }).join('\n'), /^warn: rollout of a was rolled back: v2 was bad$/m);
    const down = versions.map((version) => ({
      ...version,
      weight: 1,
      endpoints: version.endpoints.map((endpoint) => ({ ...endpoint, state: 'unhealthy' as const })),
    }));
    const told = odd({ routes: [sampleRoute({ name: 'a', versions: down })] }).join('\n');
    const count = down.filter(({ endpoints }) => endpoints.length > 0).length;
    assert.equal(told.match(/^fail: route a: no endpoint of v\d is up$/gm)?.length ?? 0, count, told);
  });
});
