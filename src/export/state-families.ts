/**
 * Metric families of the gateway's own state: weights, rollouts, verdicts, configuration, workers, and how near the process is to
 * its limits.
 */

import { ROLLOUT_STATES } from '../model/rollout.ts';
import type { VersionState, WorkerStatus } from '../model/status.ts';
import { GRADES, type ThreadSaturation } from '../model/threads/load/saturation.ts';
import { type LabelSet, NO_LABELS } from './exposition/labels.ts';
import type { Family, Labels, Reading, Sample } from './family.ts';
import type { StateRow } from './rows.ts';

const WORKER_STATES: readonly WorkerStatus['state'][] = ['starting', 'serving', 'draining', 'gone'];

export const STATE_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_version_weight_ratio',
    help: "Share of a route's traffic that the weights in force give a version",
    type: 'gauge',
    labels: ['route', 'service', 'version'],
    rows: ({ states }) => states,
    write({ state: { versions }, labels }: StateRow, to) {
      let sum = 0;
      for (const { weight } of versions) sum += weight;
      for (let n = 0; n < versions.length; n++) {
        const { weight } = versions[n] as VersionState;
        to.add(NO_LABELS, labels[n] as LabelSet, sum === 0 ? 0 : weight / sum);
      }
    },
  },
  {
    name: 'sluice_version_actual_ratio',
    help: "Share of a route's requests since the start that a version got; absent before the first",
    type: 'gauge',
    labels: ['route', 'service', 'version'],
    rows: ({ states }) => states,
    write({ state: { versions }, labels }: StateRow, to) {
      for (let n = 0; n < versions.length; n++) {
        const { shareRatio } = versions[n] as VersionState;
        if (shareRatio !== null) to.add(NO_LABELS, labels[n] as LabelSet, shareRatio);
      }
    },
  },
  {
    name: 'sluice_rollout_state',
    help: "1 for the state a route's rollout is in, 0 for the others",
    type: 'gauge',
    labels: ['route', 'state', 'version'],
    *collect({ rollouts }) {
      for (const [route, rollout] of rollouts) {
        for (const state of ROLLOUT_STATES) {
          yield { labels: { route, version: rollout.canary, state }, value: rollout.state === state ? 1 : 0 };
        }
      }
    },
  },
  {
    name: 'sluice_rollout_step',
    help: 'Step that a rollout is on, from 1; 0 before the first and after a rollback; absent without steps',
    type: 'gauge',
    labels: ['route', 'version'],
    *collect({ rollouts }) {
      for (const [route, { canary, step, next }] of rollouts) {
        if (next !== '') yield { labels: { route, version: canary }, value: step?.number ?? 0 };
      }
    },
  },
  {
    name: 'sluice_rollback_total',
    help: 'Rollbacks of a canary since the start',
    type: 'counter',
    labels: ['route', 'version'],
    *collect({ rollbacks }) {
      for (const { route, version, count } of rollbacks) yield { labels: { route, version }, value: count };
    },
  },
  {
    name: 'sluice_verdict_log_e',
    help: 'Natural logarithm of the e-value against the canary, by process; total is what is compared with log_e_to_fail',
    type: 'gauge',
    labels: ['route', 'unit'],
    *collect({ rollouts }) {
      for (const [route, { verdict }] of rollouts) {
        if (verdict === null) continue;
        yield { labels: { route, unit: 'requests' }, value: verdict.errors.logERequests };
        yield { labels: { route, unit: 'users' }, value: verdict.errors.logEUsers };
        yield { labels: { route, unit: 'latency' }, value: verdict.latency.logE };
        yield { labels: { route, unit: 'total' }, value: verdict.logE };
      }
    },
  },
  {
    name: 'sluice_verdict_log_e_to_fail',
    help: 'ln(1/alpha): the log e-value at which the canary is rolled back',
    type: 'gauge',
    labels: ['route'],
    *collect({ rollouts }) {
      for (const [route, { verdict }] of rollouts) {
        if (verdict !== null) yield { labels: { route }, value: verdict.logEToFail };
      }
    },
  },
  {
    name: 'sluice_config_reloads_total',
    help: 'Configurations read again since the start, by result',
    type: 'counter',
    labels: ['result'],
    *collect({ status }) {
      yield { labels: { result: 'accepted' }, value: status.config.reloads.accepted };
      yield { labels: { result: 'refused' }, value: status.config.reloads.refused };
    },
  },
  single(
    'sluice_config_last_reload_success_timestamp_seconds',
    'When the configuration in force was loaded',
    ({ config }) => Date.parse(config.loadedAt) / 1000,
  ),
  info('sluice_config_info', 'The configuration in force; always 1', ['hash'], ({ config }) => ({ hash: config.hash })),
  info('sluice_build_info', 'The running release; always 1', ['version'], ({ version }) => ({ version })),
  single('sluice_ready', '1 while the gateway should get traffic', ({ ready }) => (ready ? 1 : 0)),
  {
    name: 'sluice_workers',
    help: 'Data-plane threads by state',
    type: 'gauge',
    labels: ['state'],
    *collect({ status }) {
      for (const state of WORKER_STATES) {
        yield { labels: { state }, value: status.workers.filter((worker) => worker.state === state).length };
      }
    },
  },
  {
    name: 'sluice_worker_restarts_total',
    help: 'Data-plane threads that were replaced',
    type: 'counter',
    *collect({ status }) {
      yield { labels: {}, value: status.workers.reduce((total, worker) => total + worker.restarts, 0) };
    },
  },
  {
    name: 'sluice_restart_failures_total',
    help: 'Restarts that failed, so that this process served on',
    type: 'counter',
    *collect({ status }) {
      yield { labels: {}, value: status.restart.failures };
    },
  },
  {
    name: 'sluice_health_checks_total',
    help: 'Health checks of endpoints, by result',
    type: 'counter',
    labels: ['result'],
    *collect({ status }) {
      yield { labels: { result: 'passed' }, value: status.health.checks.passed };
      yield { labels: { result: 'failed' }, value: status.health.checks.failed };
    },
  },
  {
    name: 'sluice_health_checks_late_total',
    help: 'Health checks that had to wait, because too many others were under way',
    type: 'counter',
    *collect({ status }) {
      yield { labels: {}, value: status.health.checks.late };
    },
  },
  {
    name: 'sluice_ejections_withheld_total',
    help: 'Times an endpoint deserved ejection and stayed, because too many of its version were out already',
    type: 'counter',
    *collect({ status }) {
      yield { labels: {}, value: status.health.ejectionsWithheld };
    },
  },
  {
    name: 'sluice_events_lost_total',
    help: 'Bad events that the ring could not hold; counters never lose any',
    type: 'counter',
    *collect({ status }) {
      yield { labels: {}, value: status.eventsLost };
    },
  },
  {
    name: 'sluice_defects_total',
    help: "Exceptions of the gateway's own program that were contained, by the part of the control plane that they came up in",
    type: 'counter',
    labels: ['part'],
    *collect({ status }) {
      for (const [part, count] of Object.entries(status.defects.counts)) yield { labels: { part }, value: count };
    },
  },
  {
    name: 'sluice_access_log_dropped_total',
    help: 'Lines of the access log that were not written, by cause',
    type: 'counter',
    labels: ['cause'],
    *collect({ accessLosses: { queueFull, failureRate, stream } }) {
      yield { labels: { cause: 'queue_full' }, value: queueFull };
      yield { labels: { cause: 'failure_rate' }, value: failureRate };
      yield { labels: { cause: 'stream' }, value: stream };
    },
  },
  {
    name: 'sluice_rate_limit_forgotten_total',
    help: 'Keys of rate limits that were given up while they still counted, as there was no room for them',
    type: 'counter',
    *collect({ ratesForgotten }) {
      yield { labels: {}, value: ratesForgotten };
    },
  },
  {
    name: 'sluice_concurrency_samples_lost_total',
    help: 'What workers told the one that finds the limits of versions, and there was no room for',
    type: 'counter',
    *collect({ samplesLost }) {
      yield { labels: {}, value: samplesLost };
    },
  },
  {
    name: 'sluice_faults_injected_total',
    help: 'Requests that met a fault on purpose, by route and what was injected',
    type: 'counter',
    labels: ['kind', 'route'],
    *collect({ injected }) {
      for (const { route, kind, count } of injected) yield { labels: { route, kind }, value: count };
    },
  },
  {
    name: 'sluice_faults_active',
    help: 'Faults on purpose that are active now',
    type: 'gauge',
    *collect({ status }) {
      yield { labels: {}, value: status.faults.filter(({ state }) => state === 'active').length };
    },
  },
  {
    name: 'sluice_saturation_grade',
    help: 'How near the process and each thread are to their limits: 0 normal, 1 lean, 2 shedding, 3 refusing connections',
    type: 'gauge',
    labels: ['scope'],
    *collect({ status: { saturation } }) {
      yield { labels: { scope: 'process' }, value: GRADES.indexOf(saturation.process) };
      for (const { name, grade } of saturation.threads) yield { labels: { scope: name }, value: GRADES.indexOf(grade) };
    },
  },
  {
    name: 'sluice_saturation_changes_total',
    help: 'Changes of any grade of saturation',
    type: 'counter',
    *collect({ status: { saturation } }) {
      yield { labels: {}, value: saturation.changes };
    },
  },
  {
    name: 'sluice_saturation_shed_total',
    help: 'Requests that were refused because the gateway itself was short of something, by priority',
    type: 'counter',
    labels: ['priority'],
    *collect({ status: { saturation } }) {
      for (const [priority, value] of Object.entries(saturation.shed)) yield { labels: { priority }, value };
    },
  },
  {
    name: 'sluice_saturation_profiles_total',
    help: 'Episodes of saturation by what became of their profile',
    type: 'counter',
    labels: ['result'],
    *collect({ status: { saturation } }) {
      const { written, failed, skipped } = saturation.profiles;
      yield { labels: { result: 'written' }, value: written };
      yield { labels: { result: 'failed' }, value: failed };
      yield { labels: { result: 'skipped' }, value: skipped };
    },
  },
  {
    name: 'sluice_saturation_used_ratio',
    help: 'Used share of the limits of memory and descriptors; what the system does not tell is absent',
    type: 'gauge',
    labels: ['resource'],
    *collect({ status: { saturation } }) {
      const { memory, descriptors } = saturation;
      yield { labels: { resource: 'memory' }, value: memory.used / memory.max };
      if (descriptors !== null)
        yield { labels: { resource: 'descriptors' }, value: descriptors.used / descriptors.max };
    },
  },
  ofThreads(
    'sluice_event_loop_delay_seconds',
    'How late the event loop of a thread was in the last 200 ms',
    (thread) => {
      return thread.delayMs / 1000;
    },
  ),
  ofThreads('sluice_heap_used_ratio', "Used share of a thread's heap limit", ({ heapBytes, heapLimitBytes }) => {
    return heapLimitBytes === 0 ? 0 : heapBytes / heapLimitBytes;
  }),
  ofThreads('sluice_client_connections', 'Client connections of a thread', ({ connections }) => connections),
  ofThreads('sluice_requests_inflight', 'Requests under way in a thread', ({ requests }) => requests),
  {
    name: 'sluice_stale_bytes',
    help: 'Bytes of answers that workers keep for fallbacks, all together',
    type: 'gauge',
    *collect({ staleBytes }) {
      yield { labels: {}, value: staleBytes };
    },
  },
  {
    name: 'sluice_admin_viewers',
    help: "Readers of the live page's stream",
    type: 'gauge',
    *collect({ viewers }) {
      yield { labels: {}, value: viewers.clients };
    },
  },
  {
    name: 'sluice_admin_viewers_lost_total',
    help: "Readers of the live page's stream that found no place (refused), or took nothing of it and were cut (dropped)",
    type: 'counter',
    labels: ['result'],
    *collect({ viewers }) {
      yield { labels: { result: 'refused' }, value: viewers.refused };
      yield { labels: { result: 'dropped' }, value: viewers.dropped };
    },
  },
];

function ofThreads(name: string, help: string, read: (thread: ThreadSaturation) => number): Family {
  return {
    name,
    help,
    type: 'gauge',
    labels: ['thread'],
    *collect({ status }): Generator<Sample> {
      for (const thread of status.saturation.threads) yield { labels: { thread: thread.name }, value: read(thread) };
    },
  };
}

function single(name: string, help: string, read: (status: Reading['status']) => number): Family {
  return { name, help, type: 'gauge', collect: ({ status }) => [{ labels: {}, value: read(status) }] };
}

function info(
  name: string,
  help: string,
  labels: readonly string[],
  read: (status: Reading['status']) => Labels,
): Family {
  return { name, help, type: 'info', labels, collect: ({ status }) => [{ labels: read(status), value: 1 }] };
}
