import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  fleetDetail,
  formatCheck,
  hasStarted,
  notReadyBecause,
  readinessChecks,
  saturationDetail,
  stateDetail,
} from '#src/admin/checks.ts';
import { sampleFleet } from '../../support/readings/fleet.ts';
import {
  ONE_DEFECT,
  sampleSaturation,
  sampleSource,
  sampleState,
  sampleStatus,
} from '../../support/readings/status.ts';

const NO_CONFIG = { ...sampleStatus().config, revision: 0 };

suite('checks', () => {
  test('a ready gateway passes every check with what was seen', () => {
    assert.deepEqual(readinessChecks(sampleStatus()).map(formatCheck), [
      '[+]configuration ok: revision 12, gateway.yaml',
      '[+]workers ok: 2 of 2 serving',
      '[+]saturation ok: normal, memory 25 % of 512 MiB, descriptors 10 % of 1000',
      '[+]state ok: in /var/lib/sluice, 96 KiB, 0 rows pending, all written at 2026-11-01T08:01:29.500Z',
      '[+]ready ok: taking traffic',
    ]);
  });

  test('each failure is a failed check with its reason', () => {
    const status = sampleStatus({
      config: NO_CONFIG,
      workers: [],
      state: sampleState({ kind: 'unavailable', because: 'the disk is full', rowsPending: 4 }),
      ready: false,
      notReadyBecause: 'no worker serves',
    });
    assert.deepEqual(readinessChecks(status).map(formatCheck), [
      '[-]configuration failed: none was accepted yet',
      '[-]workers failed: 0 of 0 serving',
      '[+]saturation ok: normal, memory 25 % of 512 MiB, descriptors 10 % of 1000',
      '[-]state failed: in memory only, 4 rows pending: /var/lib/sluice is unavailable: the disk is full',
      '[-]ready failed: no worker serves',
    ]);
  });

  test('a state in memory, or not written yet, is said to be that', () => {
    const memory = { kind: 'memory', directory: null, flushedAt: null, fileBytes: null } as const;
    assert.match(stateDetail(sampleState(memory)), /^in memory, as no/);
    assert.equal(stateDetail(sampleState({ ...memory, kind: 'durable', directory: '/s' })), 'in /s, 0 rows pending');
  });

  test('tell what the program failed at, and never fail for it', () => {
    const checks = readinessChecks(sampleStatus({ defects: ONE_DEFECT }));
    assert.deepEqual(checks.filter(({ name }) => name === 'defect').map(formatCheck), [
      '[+]defect ok: SLU1925 in rollouts, 2 times: TypeError at judgement.ts:68:5',
    ]);
    assert.ok(checks.every(({ isOk }) => isOk));
  });

  test('tell what the process is short of, and never fail for it', () => {
    const worst = { grade: 'shedding', because: 'worker-0: its event loop is 312 ms late' } as const;
    assert.deepEqual(
      readinessChecks(sampleStatus({ saturation: sampleSaturation(worst) }))
        .map(formatCheck)
        .filter((line) => line.includes('saturation')),
      [
        '[+]saturation ok: shedding, memory 25 % of 512 MiB, descriptors 10 % of 1000: worker-0: its event loop is 312 ms late',
      ],
    );
    const observed = sampleSaturation({ descriptors: null, acts: false });
    assert.equal(saturationDetail(observed), 'normal, memory 25 % of 512 MiB, only observed');
  });

  test('tell of faults on purpose while they are active, and never fail for them', () => {
    const fault = { id: 'shop/f', route: 'shop', sentence: 'all are held', from: '', until: '2026' };
    const faults = (['active', 'over'] as const).map((state) => ({ ...fault, state }));
    const lines = readinessChecks(sampleStatus({ faults })).map(formatCheck);
    assert.deepEqual(
      lines.filter((line) => line.includes('fault')),
      ['[+]fault ok: shop/f: all are held, until 2026'],
    );
  });

  test('tell of the fleet, and never fail for it', () => {
    const fleet = sampleFleet({ mode: 'alone', because: 'Command timed out' });
    const lines = readinessChecks(sampleStatus({ fleet })).map(formatCheck);
    assert.ok(
      lines.includes('[+]fleet ok: edge, alone, judging its own traffic only: Command timed out'),
      lines.join(),
    );
    assert.equal(fleetDetail(sampleFleet()), 'edge, 2 gateways, leads 1 of 2 rollouts');
    assert.equal(fleetDetail(sampleFleet({ mode: 'joining' })), 'edge, joining');
  });

  test('tell of every source, and never fail for one', () => {
    const away = sampleSource({ name: 's', state: 'backing-off', lastError: 'gone', shrink: { pieces: 0, forMs: 1 } });
    const unheard = sampleSource({ name: 'u', state: 'backing-off', pieces: 0, confirmedAt: '' });
    const recalled = {
      ...unheard,
      name: 'r',
      pieces: 2,
      staleMs: 9e4,
      staleStart: { confirmedAt: '', confirmedMs: 9e4 },
    };
    const shrunk = { ...recalled, shrink: { pieces: 1, forMs: 1 } };
    const checks = readinessChecks(sampleStatus({ sources: [away, unheard, recalled, shrunk] })).map(formatCheck);
    assert.equal(
      checks[1],
      '[+]s ok: backing-off, 12 documents, confirmed 3 s ago, a sudden loss to 0 is not believed, gone',
    );
    assert.equal(checks[2], '[+]u ok: backing-off, 0 documents, no answer since the start');
    assert.equal(
      checks[3],
      '[+]r ok: backing-off, 2 documents, no answer since the start, confirmed 90 s ago to the process before',
    );
    assert.equal(
      checks[4],
      '[+]r ok: backing-off, 2 documents, not confirmed since the start, confirmed 90 s ago to the process before, a sudden loss to 1 is not believed',
    );
  });

  test('a configuration that is not what the sources hold is told, and fails nothing', () => {
    const revisions = { ...sampleStatus().revisions, difference: 'pinned to revision 11 by api: it broke search' };
    const [configuration] = readinessChecks(sampleStatus({ revisions }));
    assert.deepEqual(configuration, {
      name: 'configuration',
      isOk: true,
      detail: 'revision 12, gateway.yaml; pinned to revision 11 by api: it broke search',
    });
  });

  test('a draining gateway fails only the last check', () => {
    const checks = readinessChecks(sampleStatus({ ready: false, notReadyBecause: 'draining' }));
    assert.deepEqual(
      checks.map((check) => check.isOk),
      [true, true, true, true, false],
    );
  });

  test('start-up is over with a configuration and one worker that has come up', () => {
    assert.ok(hasStarted(sampleStatus()));
    assert.ok(!hasStarted(sampleStatus({ config: NO_CONFIG })));
    const workers = [{ id: 0, state: 'starting', revision: 0, restarts: 0 }] as const;
    assert.ok(!hasStarted(sampleStatus({ ready: false, workers })));
    assert.ok(hasStarted(sampleStatus({ ready: true, workers })), 'another process serves');
  });

  test('a gateway takes traffic while it serves with a worker that does', () => {
    const worker = { id: 0, state: 'serving', revision: 1, restarts: 0 } as const;
    assert.equal(notReadyBecause('serving', [worker]), '');
    assert.equal(notReadyBecause('serving', [{ ...worker, state: 'gone' }]), 'no worker is serving');
    assert.equal(notReadyBecause('starting', [worker]), 'the workers are starting');
    assert.equal(notReadyBecause('taking', [{ ...worker, state: 'starting' }]), '', 'another process serves');
    assert.equal(notReadyBecause('leaving', []), '', 'another process serves');
    assert.equal(notReadyBecause('draining', [worker]), 'draining');
    assert.equal(notReadyBecause('closed', [worker]), 'draining');
  });
});
