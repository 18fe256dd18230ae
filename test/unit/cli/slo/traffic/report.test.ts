import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trafficJson, trafficText } from '#src/cli/slo/traffic/report.ts';
import type { ObjectiveReport, TrafficAlert } from '#src/model/threads/load/traffic.ts';
import { TRAFFIC_MS, trafficObjective } from '../../../../support/simulate/load/recorded.ts';

const ALERT: TrafficAlert = {
  severity: 'page',
  long: '1h',
  short: '5m',
  factor: 14.4,
  firedAtMs: TRAFFIC_MS + 60_000,
  resolvedAtMs: TRAFFIC_MS + 360_000,
  sentence: 'it burns',
};

const REPORT: ObjectiveReport = {
  ...trafficObjective(),
  good: 9950,
  bad: 50,
  fit: 'too-tight',
  bestTargetRatio: 0.995,
  burn: 5,
  budgetLastsMs: 5.6 * 86_400_000,
  remainingRatio: -4,
  course: Array.from({ length: 24 }, (_, n) => ({
    atMs: TRAFFIC_MS + n * 300_000,
    remainingRatio: 0.5,
    burn1h: n === 23 ? null : 2,
  })),
  alerts: [ALERT, { ...ALERT, resolvedAtMs: null }],
  alertsMore: 0,
  spent: [
    { fromMs: TRAFFIC_MS, toMs: TRAFFIC_MS + 1000 },
    { fromMs: TRAFFIC_MS + 2000, toMs: null },
  ],
  users: { all: 100, failed: 7 },
  untimed: 0,
};

const told = (...objectives: readonly Partial<ObjectiveReport>[]) => ({
  file: 'slo.yaml',
  traffic: 'traffic.csv',
  report: {
    requests: 10_000,
    unclaimed: 3,
    fromMs: TRAFFIC_MS,
    toMs: TRAFFIC_MS + 7_200_000,
    objectives: objectives.map((changes) => ({ ...REPORT, ...changes })),
  },
  skipped: [trafficObjective({ indicator: 'composite' })],
});

describe('a report', () => {
  it('has the verdict first, then the numbers, alerts, spent budgets and the course', () => {
    const lines = trafficText(told({})).split('\n');
    assert.deepEqual(lines.slice(0, 11), [
      'traffic.csv: 10000 requests, 2026-11-01T00:00:00.000Z to 2026-11-01T02:00:00.000Z (2 h)',
      '3 of them are of no objective',
      '',
      'availability of route checkout  99.9 %: too tight, the best target that was met is 99.5 %',
      "  10000 events, 50 bad: burn 5x over all; 28 days' budget lasts 5.6 d at that; -400 % left at the end",
      '  7 of 100 users met a bad one',
      '  page 1h/5m at 2026-11-01T00:01:00.000Z for 5 min: it burns',
      '  page 1h/5m at 2026-11-01T00:01:00.000Z to the end: it burns',
      '  budget spent from 2026-11-01T00:00:00.000Z to 2026-11-01T00:00:01.000Z',
      '  budget spent from 2026-11-01T00:00:02.000Z to the end',
      '  2026-11-01T00:05:00.000Z  50 % left, burn 2x in 1h',
    ]);
    assert.equal(lines.filter((line) => line.includes('% left, ')).length, 12, 'every other point of 24');
    assert.equal(lines.at(-4), '  2026-11-01T01:55:00.000Z  50 % left, nothing counted in 1h');
    assert.match(lines.at(-2) ?? '', /^composite of route checkout {2}not replayed/);
  });

  it('says how a target fits', () => {
    const verdict = (changes: Partial<ObjectiveReport>) => /99\.9 %: (.*)/.exec(trafficText(told(changes)))?.[1];
    assert.equal(verdict({ fit: 'fits', bestTargetRatio: 0.99951239 }), 'met, and 99.9512 % as well');
    assert.equal(verdict({ fit: 'fits', bad: 0 }), 'met, nothing failed');
    assert.equal(verdict({ fit: 'too-lax', bestTargetRatio: 0.99999999 }), 'too lax, 99.9999 % was met');
    assert.equal(verdict({ fit: 'too-lax', bad: 0 }), 'too lax, nothing failed');
    assert.equal(
      verdict({ fit: 'too-little', good: 100, bad: 0 }),
      'too little traffic to tell: it allows 0.1 bad events',
    );
    assert.equal(verdict({ fit: null, burn: null }), 'nothing was counted');
  });

  it('shows people ten alerts, and how many there are more', () => {
    const text = trafficText(told({ alerts: Array.from({ length: 12 }, () => ALERT), alertsMore: 5 }));
    assert.equal(text.match(/it burns/g)?.length, 10);
    assert.match(text, /\n {2}and 7 alerts more \(-o json\)\n/);
  });

  it('says what was left out, and which threshold counts', () => {
    const text = trafficText(told({ indicator: 'latency', thresholdMs: 300, untimed: 4 }));
    assert.match(text, /latency of route checkout {2}99\.9 % within 300 ms: /);
    assert.match(text, /\n {2}4 requests without a duration are left out\n/);
  });

  it('is JSON with times as text and lengths in seconds', () => {
    const { objectives, ...head } = trafficJson(told({})) as { objectives: Record<string, unknown>[] };
    assert.deepEqual(head, {
      file: 'slo.yaml',
      traffic: 'traffic.csv',
      requests: 10_000,
      unclaimed: 3,
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-11-01T02:00:00.000Z',
      skipped: [{ scope: 'route', name: 'checkout', indicator: 'composite' }],
    });
    const [{ alerts, spent, budgetLastsSeconds, course } = assert.fail()] = objectives;
    assert.deepEqual((alerts as unknown[])[1], {
      severity: 'page',
      long: '1h',
      short: '5m',
      factor: 14.4,
      sentence: 'it burns',
      firedAt: '2026-11-01T00:01:00.000Z',
      resolvedAt: null,
    });
    assert.deepEqual((spent as unknown[])[0], { from: '2026-11-01T00:00:00.000Z', to: '2026-11-01T00:00:01.000Z' });
    assert.deepEqual(
      [budgetLastsSeconds, (course as unknown[])[0]],
      [5.6 * 86_400, { at: '2026-11-01T00:00:00.000Z', remainingRatio: 0.5, burn1h: 2 }],
    );
  });
});
