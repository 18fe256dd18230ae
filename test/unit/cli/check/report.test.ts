/** Stages as they are put down, and the report that people read. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CanaryReport, reportText, type Stage, takeStage } from '#src/cli/check/report.ts';

const REPORT: CanaryReport = {
  ok: false,
  route: 'checkout',
  service: 'shop',
  version: 'v2',
  color: 'v2',
  gateway: 'http://127.0.0.1:8080',
  tookMs: 12,
  stages: [
    { name: 'gateway', state: 'pass', sentence: 'ready', facts: ['[+]workers ok'], tookMs: 3 },
    { name: 'endpoints', state: 'fail', sentence: '1 of 2 is not up', facts: ['127.0.0.1:7001 ejected'], tookMs: 0 },
    { name: 'probe', state: 'skipped', sentence: 'skipped: it rests on a stage that failed', facts: [], tookMs: 0 },
  ],
  sli: null,
};

describe('a stage', () => {
  it('hands on what it found, when it passes', async () => {
    const stages: Stage[] = [];
    const found = await takeStage(stages, 'version', () => ({ isOk: true, sentence: 'there', facts: ['a'], value: 7 }));
    assert.equal(found, 7);
    assert.deepEqual(
      { ...stages[0], tookMs: 0 },
      { name: 'version', state: 'pass', sentence: 'there', facts: ['a'], tookMs: 0 },
    );
  });

  it('that fails, throws or cannot be run hands on nothing, and says why', async () => {
    const stages: Stage[] = [];
    assert.equal(await takeStage(stages, 'version', () => ({ isOk: false, sentence: 'not there' })), null);
    assert.equal(await takeStage(stages, 'probe', () => Promise.reject(new Error('reset'))), null);
    assert.equal(await takeStage(stages, 'sli', null), null);
    assert.deepEqual(
      stages.map(({ name, state, sentence }) => [name, state, sentence]),
      [
        ['version', 'fail', 'not there'],
        ['probe', 'fail', 'reset'],
        ['sli', 'skipped', 'skipped: it rests on a stage that failed'],
      ],
    );
  });
});

describe('a report', () => {
  it('tells each stage, the facts of those that failed, and the end of it', () => {
    assert.equal(
      reportText(REPORT),
      'pass    gateway   ready\n' +
        'fail    endpoints 1 of 2 is not up\n' +
        '                  127.0.0.1:7001 ejected\n' +
        'skipped probe     skipped: it rests on a stage that failed\n' +
        'shop v2 on checkout is not fit: 2 of 3 stages did not pass\n',
    );
    assert.match(reportText({ ...REPORT, ok: true }), /\nshop v2 on checkout is fit\n$/);
    assert.match(reportText({ ...REPORT, version: '' }), /\nthe canary of checkout is not fit/);
  });
});
