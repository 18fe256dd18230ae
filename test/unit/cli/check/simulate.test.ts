import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { simulationText, summaryOf } from '#src/cli/check/simulate.ts';
import { runCli } from '#src/cli/cli.ts';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import type { SimulatedHistory, SimulatedTraffic, SimulationQuestion } from '#src/model/threads/load/simulation.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { SOUND } from '../../../support/config.ts';

const TRAFFIC: SimulatedTraffic = {
  requestsPerSecond: 100,
  users: 6000,
  stable: { errorRatio: 0.001, latency: { p50Ms: 20, p99Ms: 80 } },
  canary: { errorRatio: 0.05, latency: { p50Ms: 40, p99Ms: 160 } },
};

function historyOf(seed: number, changes: Partial<SimulatedHistory> = {}): SimulatedHistory {
  const canary = { requests: 100 * seed, failed: 5 * seed, usersFailed: 4 * seed };
  return { seed, outcome: 'rolled-back', afterMs: 1000 * seed, percent: 1, canary, sentence: 's', ...changes };
}

const HISTORIES = [
  ...Array.from({ length: 9 }, (_, n) => historyOf(n + 1)),
  historyOf(10, { percent: 5 }),
  historyOf(11, { outcome: 'promoted', percent: 100, afterMs: 7_200_000 }),
];

/** A command line whose simulator gives `histories` to whatever it is asked. */
function depsOf(histories: readonly SimulatedHistory[] = HISTORIES) {
  const asked: SimulationQuestion[] = [];
  const tools = createConfigTools({});
  const recorded = recordedDeps({
    config: async () => ({
      ...tools,
      readText: async () => SOUND,
      simulate: async (_, question) => {
        asked.push(question);
        if (question.route === 'other') return { kind: 'unknown', detail: 'route other has no rollout' };
        return { kind: 'done', route: 'shop', stable: 'v1', canary: 'v2', isSticky: true, histories };
      },
    }),
  });
  return { ...recorded, asked };
}

suite('sluice simulate', () => {
  test('sums up how histories ended, the most frequent way first', () => {
    const { count, endings } = summaryOf(HISTORIES);
    assert.equal(count, 11);
    assert.deepEqual(
      endings.map(({ outcome, count: times, atPercent }) => [outcome, times, atPercent]),
      [
        [
          'rolled-back',
          10,
          [
            [1, 9],
            [5, 1],
          ],
        ],
        ['promoted', 1, [[100, 1]]],
      ],
    );
    assert.deepEqual(endings[0]?.afterSeconds, { p10: 1, p50: 5, p90: 9 });
    assert.deepEqual(endings[0]?.usersFailed, { p10: 4, p50: 20, p90: 36 });
  });

  test('tells it in words', () => {
    const told = { route: 'shop', stable: 'v1', canary: 'v2', sticky: true, traffic: TRAFFIC, ...summaryOf(HISTORIES) };
    assert.equal(
      simulationText(told),
      `shop: canary v2 (5 % errors, p50 40 ms, p99 160 ms) against stable v1 (0.1 % errors, p50 20 ms, p99 80 ms)
100 requests/s of 6000 users, who keep their version; 11 histories

rolled-back: 10 of 11, after 5 s (1 s to 9 s); 9 at 1 %, 1 at 5 %
  the canary failed 25 (5 to 45) of 500 (100 to 900) requests, of 20 (4 to 36) users

promoted: 1 of 11, after 2 h; 1 at 100 %
  the canary failed 55 of 1100 requests, of 44 users
Medians; in brackets what the middle 80 % of histories have.
`,
    );
  });

  test('as JSON it has every history; exit codes: done 0, no such rollout 1, usage 2', async () => {
    const { deps, asked, out, err } = depsOf();
    const argv = ['simulate', 'shop', '--config', 'x.yaml', '--rps', '100', '--canary-errors', '0.05', '-o', 'json'];
    assert.equal(await runCli([...argv, '--seeds', '2', '--seed', '7', '--hours', '1'], deps), 0);
    const { route, traffic, endings, histories } = JSON.parse(out()) as Record<string, unknown>;
    assert.deepEqual([route, histories], ['shop', HISTORIES]);
    assert.equal((endings as unknown[]).length, 2);
    const plain = { errorRatio: 0.001, latency: null };
    const canary = { errorRatio: 0.05, latency: null };
    assert.deepEqual(traffic, { requestsPerSecond: 100, users: 6000, stable: plain, canary });
    assert.deepEqual([asked[0]?.seeds, asked[0]?.limitMs, err()], [[7, 8], 3_600_000, '']);

    const code = async (...more: string[]): Promise<[number, string]> => {
      const one = depsOf();
      return [await runCli(['simulate', ...more], one.deps), one.err()];
    };
    assert.deepEqual(await code('other', '--config', 'x', '--rps', '1'), [1, 'sluice: route other has no rollout\n']);
    for (const wrong of [
      [],
      ['--config', 'x'],
      ['--config', 'x', '--rps', '0'],
      ['--config', 'x', '--rps', '1', '--p50', '5'],
      ['--config', 'x', '--rps', '1', '--canary-slower', '2'],
      ['--config', 'x', '--rps', '1', '--errors', '2'],
      ['--config', 'x', '--rps', '1', '--seeds', '0'],
    ]) {
      assert.equal((await code(...wrong))[0], 2, wrong.join(' '));
    }
  });

  test('latency of the canary is that of stable, so many times slower', async () => {
    const { deps, asked } = depsOf();
    const argv = ['--rps', '10', '--p50', '20', '--p99', '80', '--canary-slower', '1.5', '--users', '77'];
    assert.equal(await runCli(['simulate', '--config', 'x', ...argv], deps), 0);
    const [question] = asked;
    assert.ok(question !== undefined);
    const { stable, canary, users } = question.traffic;
    assert.deepEqual(
      [stable.latency, canary.latency, users],
      [{ p50Ms: 20, p99Ms: 80 }, { p50Ms: 30, p99Ms: 120 }, 77],
    );
  });

  test('a document with problems is refused with each', async () => {
    const { deps, err } = depsOf();
    const broken = { ...deps, config: async () => ({ ...(await deps.config()), readText: async () => 'routes: 7' }) };
    assert.equal(await runCli(['simulate', '--config', 'x.yaml', '--rps', '1'], broken), 1);
    assert.match(err(), /x\.yaml:1:\d+: SLU\d+/);
  });
});
