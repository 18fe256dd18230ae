import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatCheck, hasStarted, notReadyBecause, readinessChecks } from '#src/admin/checks.ts';
import { sampleStatus } from '../../support/readings/status.ts';

const NO_CONFIG = { ...sampleStatus().config, revision: 0 };

suite('checks', () => {
  test('a ready gateway passes every check with what was seen', () => {
    assert.deepEqual(readinessChecks(sampleStatus()).map(formatCheck), [
      '[+]configuration ok: revision 3, gateway.yaml',
      '[+]workers ok: 2 of 2 serving',
      '[+]ready ok: taking traffic',
    ]);
  });

  test('each failure is a failed check with its reason', () => {
    const status = sampleStatus({ config: NO_CONFIG, workers: [], ready: false, notReadyBecause: 'no worker serves' });
    assert.deepEqual(readinessChecks(status).map(formatCheck), [
      '[-]configuration failed: none was accepted yet',
      '[-]workers failed: 0 of 0 serving',
      '[-]ready failed: no worker serves',
    ]);
  });

  test('a draining gateway fails only the last check', () => {
    const checks = readinessChecks(sampleStatus({ ready: false, notReadyBecause: 'draining' }));
    assert.deepEqual(
      checks.map((check) => check.isOk),
      [true, true, false],
    );
  });

  test('start-up is over with a configuration and one worker that has come up', () => {
    assert.ok(hasStarted(sampleStatus()));
    assert.ok(!hasStarted(sampleStatus({ config: NO_CONFIG })));
    assert.ok(!hasStarted(sampleStatus({ workers: [{ id: 0, state: 'starting', revision: 0, restarts: 0 }] })));
  });

  test('a gateway takes traffic while it serves with a worker that does', () => {
    const worker = { id: 0, state: 'serving', revision: 1, restarts: 0 } as const;
    assert.equal(notReadyBecause('serving', [worker]), '');
    assert.equal(notReadyBecause('serving', [{ ...worker, state: 'gone' }]), 'no worker is serving');
    assert.equal(notReadyBecause('starting', [worker]), 'the workers are starting');
    assert.equal(notReadyBecause('draining', [worker]), 'draining');
    assert.equal(notReadyBecause('closed', [worker]), 'draining');
  });
});
