import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { doubtsOf, renderJson, type Setting } from '../../../../../bench/macro/report/document.ts';
import type { Outcome } from '../../../../../bench/macro/scenarios/outcome.ts';
import { closedOutcome, closedSeries } from '../../support/outcomes.ts';

const SETTING: Setting = {
  at: '2026-11-21T00:00:00.000Z',
  commit: 'abc1234',
  isDirty: false,
  node: 'v26.10.0',
  cpu: '2 x test',
  kernel: '6',
  rounds: 5,
  seconds: 4,
  headBytes: 600,
  openFilesMax: 20_000,
  isPinned: true,
  accessLogRatio: 0.01,
  upstreamRequestsPerSecond: 50_000,
};
const OUTCOME = closedOutcome('small-get', [closedSeries('nginx', [10, 20])]);

describe('renderJson', () => {
  test('holds the setting, the verdicts and every sample', () => {
    const document = JSON.parse(renderJson(SETTING, [OUTCOME])) as {
      setting: Setting;
      verdicts: unknown[];
      doubts: string[];
      outcomes: Outcome[];
    };
    assert.deepEqual(document.setting, SETTING);
    assert.equal(document.verdicts.length, 9);
    assert.deepEqual(document.doubts, []);
    assert.deepEqual(document.outcomes, [OUTCOME]);
  });
});

describe('doubtsOf', () => {
  test('says everything that keeps verdicts from counting', () => {
    const noisy = closedOutcome('large-upload', [closedSeries('nginx', [10], {}, { noiseRatio: 0.5 })]);
    const poor = { ...SETTING, rounds: 3, isDirty: true, isPinned: false, accessLogRatio: 0 };
    const doubts = doubtsOf(poor, [OUTCOME, noisy]).join('\n');
    assert.match(
      doubts,
      /3 rounds[\s\S]*src differs[\s\S]*share the cores[\s\S]*without an access log[\s\S]*not quiet during large-upload/,
    );
  });
});
