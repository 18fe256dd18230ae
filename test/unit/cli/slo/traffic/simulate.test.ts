import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CONFIG, OPENSLO, runOver } from '../../../../support/readings/slo-file.ts';
import { fileWith, TRAFFIC_MS } from '../../../../support/simulate/load/recorded.ts';

/** A request a second, of which every n-th fails; 0: none. */
function csv(count: number, failsEvery: number, route = 'checkout'): string {
  const rows = Array.from({ length: count }, (_, n) => {
    return `${new Date(TRAFFIC_MS + n * 1000).toISOString()},${route},${n % failsEvery === 5 ? 500 : 200},20ms,u${n % 7}`;
  });
  return ['time,route,status,duration,user', ...rows, ''].join('\n');
}

async function simulate(t: TestContext, traffic: string, slo = CONFIG, ...more: string[]) {
  const file = fileWith(t, traffic);
  const { code, out, err } = await runOver({ 'slo.yaml': slo }, ['slo', 'simulate', 'slo.yaml', '-f', file, ...more]);
  return { code, out: out.replaceAll(file, 'traffic.csv'), err: err.replaceAll(file, 'traffic.csv') };
}

describe('sluice slo simulate', () => {
  it('tells of every objective of a configuration, also of the service behind a route, and fails where one was missed', async (t) => {
    const { code, out, err } = await simulate(t, csv(7200, 100));
    assert.deepEqual([code, err], [1, '']);
    assert.match(
      out,
      /^traffic\.csv: 7200 requests, 2026-11-01T00:00:00\.020Z to 2026-11-01T01:59:59\.020Z \(120 min\)\n/,
    );
    assert.match(
      out,
      /\navailability of route checkout {2}99\.9 %: too tight, the best target that was met is 99 %\n {2}7200 events, 72 bad: burn 10x over all/,
    );
    assert.match(out, /\nlatency of route checkout {2}99 % within 300 ms: met, and 99 % as well\n/);
    assert.match(out, /\navailability of service shop {2}99\.95 %: too tight, /);
    assert.match(
      out,
      /\n {2}page 6h\/30m at 2026-11-01T\S+ to the end: service shop, availability 99\.95 %: page firing, burn /,
    );
    assert.match(out, /\n {2}budget spent from 2026-11-01T\S+ to the end\n/);
    assert.match(out, /\ncomposite of route checkout {2}not replayed: /);
  });

  it('is content where all were met', async (t) => {
    const { code, out } = await simulate(t, csv(7200, 0));
    assert.equal(code, 0);
    assert.match(out, /latency of route checkout {2}99 % within 300 ms: too lax, nothing failed\n/);
    assert.match(out, /availability of service shop {2}99\.95 %: met, nothing failed\n/);
  });

  it('says it as an object, of OpenSLO as well', async (t) => {
    const { code, out } = await simulate(t, csv(1000, 100), OPENSLO, '-o', 'json');
    assert.equal(code, 1);
    const { requests, objectives } = JSON.parse(out) as { requests: number; objectives: Record<string, unknown>[] };
    const [{ fit, bad, bestTargetRatio, users, alerts } = assert.fail(), ...more] = objectives;
    assert.deepEqual(
      [requests, fit, bad, bestTargetRatio, users, more],
      [1000, 'too-tight', 10, 0.99, { all: 7, failed: 7 }, []],
    );
    assert.ok(Array.isArray(alerts) && alerts.length > 0);
  });

  it('needs traffic of some objective, and says so', async (t) => {
    const { code, err, out } = await simulate(t, csv(10, 100, 'elsewhere'));
    assert.equal(code, 1);
    assert.equal(err, 'sluice: traffic.csv has no request of an objective of slo.yaml\n');
    assert.match(out, /\n10 of them are of no objective\n/);
  });

  it('refuses files with their problems', async (t) => {
    const bad = await simulate(t, csv(10, 100), CONFIG.replace('0.999', '99.9'));
    assert.deepEqual([bad.code, bad.out], [1, '']);
    assert.match(bad.err, /^slo\.yaml:4:25: SLU1012 /);
    const json = await simulate(t, csv(10, 100), CONFIG.replace('0.999', '99.9'), '-o', 'json');
    assert.equal((JSON.parse(json.out) as { problems: unknown[] }).problems.length, 1);
    assert.equal(json.code, 1);
    const rows = await simulate(t, `${csv(3, 100)}x\n`);
    assert.deepEqual([rows.code, rows.out], [1, '']);
    assert.match(rows.err, /traffic\.csv:5:1: line: expected 5 fields/);
  });

  it('refuses a duration after which there is no time, with its place', async (t) => {
    for (const durationMs of ['1e18', '1e19']) {
      const rows = `time,status,route,durationMs\n2026-11-01T10:00:00Z,200,checkout,1\n2026-11-01T10:00:00Z,200,checkout,${durationMs}\n`;
      const { code, out, err } = await simulate(t, rows);
      assert.deepEqual([code, out], [1, '']);
      assert.match(
        err,
        /traffic\.csv:3:35: durationMs: expected a number of milliseconds, at most 1e10, got 1e1[89]\n/,
      );
    }
  });

  it('refuses a line that is far behind another, with its place', async (t) => {
    const [head, ...rows] = csv(700, 100).split('\n');
    const { code, err } = await simulate(t, [head, rows[699], rows[0], ''].join('\n'));
    assert.equal(code, 1);
    assert.match(err, /traffic\.csv:3:1: time: it ended more than 600 s before a line above/);
  });

  it('is told what to read', async () => {
    for (const [argv, said] of [
      [['slo', 'simulate'], /takes a file with objectives/],
      [['slo', 'simulate', 'slo.yaml'], /needs --traffic/],
      [['slo', 'simulate', 'slo.yaml', '-f', 'x', '-o', 'xml'], /--output is one of text, json/],
    ] as const) {
      const { code, err } = await runOver({ 'slo.yaml': CONFIG }, argv);
      assert.equal(code, 2);
      assert.match(err, said);
    }
  });
});
