import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sample } from '../../../../bench/macro/measure.ts';
import {
  headlineOf,
  renderJson,
  renderTable,
  rowsOf,
  type Series,
  type Setting,
  warningsOf,
} from '../../../../bench/macro/report.ts';

function sample(cpuUs: number, more: Partial<Sample> = {}): Sample {
  const base = { requestsPerSecond: 1e6 / cpuUs, p50Ms: 1, p99Ms: 2, gatewayRatio: 0.95 };
  return { cpuUs, ...base, foreignRatio: 0.01, loadCoreRatio: 0.8, ...more };
}

function series(name: string, cpuUs: readonly number[], paced: readonly number[] = []): Series {
  return { name, version: '1.0', full: cpuUs.map((us) => sample(us)), paced: paced.map((us) => sample(us)) };
}

const SETTING: Setting = {
  at: '2026-11-21T00:00:00.000Z',
  commit: 'abc1234',
  node: 'v26.10.0',
  cpu: '2 x test',
  kernel: '6',
  rounds: 3,
  seconds: 1,
  connections: 64,
  rate: 0,
  headBytes: 600,
  isPinned: true,
  upstreamRequestsPerSecond: 50_000,
};

describe('rowsOf', () => {
  test('takes ratios within a round and their median over rounds', () => {
    const [base, other] = rowsOf([series('nginx', [10, 20, 30]), series('sluice', [15, 20, 60])]);
    assert.equal(base?.cpuRatio, 1);
    assert.equal(other?.cpuUs, 20);
    assert.equal(other?.cpuRatio, 1.5);
    assert.deepEqual(other?.cpuRatioRange, [1, 2]);
  });

  test('has no ratio without nginx, and no paced part where none was measured', () => {
    const [row] = rowsOf([series('sluice', [15])]);
    assert.equal(row?.cpuRatio, null);
    assert.equal(row?.paced, null);
  });

  test('compares paced with paced', () => {
    const [, row] = rowsOf([series('nginx', [10], [20]), series('sluice', [10], [30])]);
    assert.equal(row?.paced?.cpuRatio, 1.5);
  });
});

describe('renderTable', () => {
  test('puts every gateway on one line per table', () => {
    const text = renderTable(rowsOf([series('nginx', [10], [20]), series('sluice', [12], [30])]));
    assert.equal(text.match(/^sluice 1\.0/gm)?.length, 2);
    assert.match(text, /sluice 1\.0 +12\.0 us +1\.20/);
    assert.equal(renderTable(rowsOf([series('nginx', [10])])).includes('paced'), false);
  });
});

describe('headlineOf', () => {
  test('sets Sluice against every other gateway, round by round', () => {
    const all = [series('nginx', [10, 20]), series('sluice', [12, 20]), series('http-proxy-3', [48, 80])];
    assert.equal(headlineOf(all), 'sluice: CPU per request 1.10 x nginx (1.00-1.20), 0.25 x http-proxy-3 (0.25-0.25)');
  });

  test('is empty where there is nothing to compare', () => {
    assert.equal(headlineOf([series('nginx', [10])]), '');
    assert.equal(headlineOf([series('sluice', [10])]), '');
  });
});

describe('warningsOf', () => {
  test('is silent when all is well', () => {
    assert.deepEqual(warningsOf(rowsOf([series('nginx', [10])]), SETTING), []);
  });

  test('tells a bottleneck, noise and missing pins', () => {
    const slow = { ...series('a', []), full: [sample(10, { loadCoreRatio: 0.99, gatewayRatio: 0.5 })] };
    const noisy = { ...series('b', []), full: [sample(10, { foreignRatio: 0.3 })] };
    const warnings = warningsOf(rowsOf([slow, noisy]), { ...SETTING, isPinned: false });
    assert.equal(warnings.length, 3);
    assert.match(warnings.join('\n'), /not pinned[\s\S]*a: load and upstream[\s\S]*b: 30 %/);
  });
});

describe('renderJson', () => {
  test('holds the setting, the rows and every sample', () => {
    const document = JSON.parse(renderJson(SETTING, [series('nginx', [10, 20])])) as {
      setting: Setting;
      rows: unknown[];
      samples: Series[];
    };
    assert.deepEqual(document.setting, SETTING);
    assert.equal(document.rows.length, 1);
    assert.equal(document.samples[0]?.full.length, 2);
  });
});
