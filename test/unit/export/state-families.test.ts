import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RolloutStatus } from '#src/model/status.ts';
import type { SaturationStatus } from '#src/model/threads/load/saturation.ts';
import { scrape, series } from '../../support/readings/metrics/scrape.ts';
import {
  ONE_DEFECT,
  sampleRoute,
  sampleSaturation,
  sampleStatus,
  sampleVersion,
} from '../../support/readings/status.ts';

suite('state-families', () => {
  test('weights are shown as shares in force and as measured', async () => {
    const families = await scrape();
    assert.deepEqual(series(families, 'sluice_version_weight_ratio'), [
      'route=checkout service=checkout version=v1 1',
      'route=checkout service=checkout version=v2 0',
    ]);
    assert.deepEqual(series(families, 'sluice_version_actual_ratio'), [
      'route=checkout service=checkout version=v1 0.8',
      'route=checkout service=checkout version=v2 0.2',
    ]);
  });

  test('weights that are all 0 are shares of 0, and an unmeasured share is absent', async () => {
    const version = sampleVersion({ weight: 0, shareRatio: null });
    const families = await scrape({
      status: () => sampleStatus({ routes: [sampleRoute({ versions: [version], rollout: null })] }),
    });
    assert.deepEqual(series(families, 'sluice_version_weight_ratio'), ['route=checkout service=checkout version=v1 0']);
    assert.deepEqual(series(families, 'sluice_version_actual_ratio'), []);
    assert.deepEqual(series(families, 'sluice_rollout_state'), []);
    assert.deepEqual(series(families, 'sluice_verdict_log_e'), []);
  });

  test('faults on purpose show how many are active, and what they did', async () => {
    const fault = { id: 'shop/f', route: 'shop', sentence: '', from: '', until: '' };
    const faults = (['active', 'over', 'active', 'stopped'] as const).map((state) => ({ ...fault, state }));
    const families = await scrape({
      status: () => sampleStatus({ faults }),
      injected: () => [{ route: 'shop', kind: 'abort', count: 7 }],
    });
    assert.deepEqual(series(families, 'sluice_faults_active'), ['2']);
    assert.deepEqual(series(families, 'sluice_faults_injected_total'), ['kind=abort route=shop 7']);
  });

  test('saturation shows grades, what is used of the limits, and what came of it', async () => {
    const shed = { critical: 0, default: 0, degraded: 2, 'best-effort': 40 };
    const [main, worker] = sampleSaturation().threads;
    const threads = [main, { ...worker, grade: 'shedding', delayMs: 312 }] as SaturationStatus['threads'];
    const profiles = { ...sampleSaturation().profiles, written: 1, skipped: 3 };
    const saturation = sampleSaturation({ process: 'lean', threads, changes: 5, shed, profiles });
    const families = await scrape({ status: () => sampleStatus({ saturation }) });
    assert.deepEqual(series(families, 'sluice_saturation_grade'), [
      'scope=main 0',
      'scope=process 1',
      'scope=worker-0 2',
    ]);
    assert.deepEqual(series(families, 'sluice_saturation_changes_total'), ['5']);
    assert.deepEqual(series(families, 'sluice_saturation_shed_total'), [
      'priority=best-effort 40',
      'priority=critical 0',
      'priority=default 0',
      'priority=degraded 2',
    ]);
    assert.deepEqual(series(families, 'sluice_saturation_profiles_total'), [
      'result=failed 0',
      'result=skipped 3',
      'result=written 1',
    ]);
    assert.deepEqual(series(families, 'sluice_saturation_used_ratio'), [
      'resource=descriptors 0.1',
      'resource=memory 0.25',
    ]);
    assert.deepEqual(series(families, 'sluice_event_loop_delay_seconds'), [
      'thread=main 0.002',
      'thread=worker-0 0.312',
    ]);
    assert.deepEqual(series(families, 'sluice_heap_used_ratio'), ['thread=main 0.25', 'thread=worker-0 0.25']);
    assert.deepEqual(series(families, 'sluice_client_connections'), ['thread=main 0', 'thread=worker-0 40']);
    assert.deepEqual(series(families, 'sluice_requests_inflight'), ['thread=main 0', 'thread=worker-0 3']);
    const untold = sampleStatus({
      saturation: sampleSaturation({
        descriptors: null,
        threads: [{ ...worker, heapLimitBytes: 0 }] as SaturationStatus['threads'],
      }),
    });
    const fewer = await scrape({ status: () => untold });
    assert.deepEqual(series(fewer, 'sluice_saturation_used_ratio'), ['resource=memory 0.25']);
    assert.deepEqual(series(fewer, 'sluice_heap_used_ratio'), ['thread=worker-0 0']);
  });

  test('a rollout shows its state, its verdict in both units, and its rollbacks', async () => {
    const families = await scrape();
    assert.deepEqual(series(families, 'sluice_rollout_state'), [
      'route=checkout state=baking version=v2 0',
      'route=checkout state=idle version=v2 0',
      'route=checkout state=paused version=v2 0',
      'route=checkout state=progressing version=v2 0',
      'route=checkout state=rolled-back version=v2 1',
      'route=checkout state=succeeded version=v2 0',
    ]);
    assert.deepEqual(series(families, 'sluice_rollout_step'), [], 'a canary that is only watched has no steps');
    assert.deepEqual(series(families, 'sluice_verdict_log_e'), [
      'route=checkout unit=latency 0',
      'route=checkout unit=requests 8.2',
      'route=checkout unit=total 7.1',
      'route=checkout unit=users 7.1',
    ]);
    assert.deepEqual(series(families, 'sluice_verdict_log_e_to_fail'), [`route=checkout ${Math.log(1000)}`]);
    assert.deepEqual(series(families, 'sluice_rollback_total'), ['route=checkout version=v2 1']);
  });

  test('a rollout with steps shows which one it is on', async () => {
    const rollout = { ...(sampleRoute().rollout as RolloutStatus), state: 'baking', next: 'it succeeds' } as const;
    const step = { number: 5, count: 5, percent: 100, forMs: 1 };
    const of = (changes: Partial<RolloutStatus>) => ({
      status: () => sampleStatus({ routes: [sampleRoute({ rollout: { ...rollout, ...changes } })] }),
    });
    assert.deepEqual(series(await scrape(of({ step })), 'sluice_rollout_step'), ['route=checkout version=v2 5']);
    assert.deepEqual(series(await scrape(of({})), 'sluice_rollout_step'), ['route=checkout version=v2 0']);
  });

  test('configuration, workers and losses are told', async () => {
    const families = await scrape({
      status: () =>
        sampleStatus({
          eventsLost: 4,
          defects: ONE_DEFECT,
          health: { checks: { passed: 7, failed: 2, late: 1 }, ejectionsWithheld: 3 },
        }),
    });
    assert.deepEqual(series(families, 'sluice_config_reloads_total'), ['result=accepted 2', 'result=refused 1']);
    assert.deepEqual(series(families, 'sluice_config_info'), [`hash=${'3f9a1c00'.repeat(8)} 1`]);
    const loadedAt = Date.parse('2026-11-01T08:01:00.000Z') / 1000;
    assert.deepEqual(series(families, 'sluice_config_last_reload_success_timestamp_seconds'), [String(loadedAt)]);
    assert.deepEqual(series(families, 'sluice_workers'), [
      'state=draining 0',
      'state=gone 0',
      'state=serving 2',
      'state=starting 0',
    ]);
    assert.deepEqual(series(families, 'sluice_worker_restarts_total'), ['1']);
    assert.deepEqual(series(families, 'sluice_events_lost_total'), ['4']);
    const defects = series(families, 'sluice_defects_total').filter((line) => !line.endsWith(' 0'));
    assert.deepEqual(defects, ['part=rollouts 2']);
    assert.deepEqual(series(families, 'sluice_access_log_dropped_total'), [
      'cause=failure_rate 6',
      'cause=queue_full 5',
      'cause=stream 7',
    ]);
    assert.deepEqual(series(families, 'sluice_rate_limit_forgotten_total'), ['8']);
    assert.deepEqual(series(families, 'sluice_stale_bytes'), ['4096']);
    assert.deepEqual(series(families, 'sluice_health_checks_total'), ['result=failed 2', 'result=passed 7']);
    assert.deepEqual(series(families, 'sluice_health_checks_late_total'), ['1']);
    assert.deepEqual(series(families, 'sluice_ejections_withheld_total'), ['3']);
    assert.deepEqual(series(families, 'sluice_ready'), ['1']);
    assert.deepEqual(series(families, 'sluice_build_info'), ['version=0.1.0 1']);
  });
});
