/**
 * Metric families of the gateway's own state: weights, rollouts, verdicts, configuration, workers.
 */

import { ROLLOUT_STATES } from '../model/rollout.ts';
import type { RolloutStatus, Status, WorkerStatus } from '../model/status.ts';
import type { Family, Labels, Sample } from './family.ts';

const WORKER_STATES: readonly WorkerStatus['state'][] = ['starting', 'serving', 'draining', 'gone'];

export const STATE_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_version_weight_ratio',
    help: "Share of a route's traffic that the weights in force give a version",
    type: 'gauge',
    *collect({ status }) {
      for (const { name, versions } of status.routes) {
        const sum = versions.reduce((total, version) => total + version.weight, 0);
        for (const { service, version, weight } of versions) {
          yield { labels: { route: name, service, version }, value: sum === 0 ? 0 : weight / sum };
        }
      }
    },
  },
  {
    name: 'sluice_version_actual_ratio',
    help: "Share of a route's requests since the start that a version got; absent before the first",
    type: 'gauge',
    *collect({ status }) {
      for (const { name, versions } of status.routes) {
        for (const { service, version, shareRatio } of versions) {
          if (shareRatio !== null) yield { labels: { route: name, service, version }, value: shareRatio };
        }
      }
    },
  },
  {
    name: 'sluice_rollout_state',
    help: "1 for the state a route's rollout is in, 0 for the others",
    type: 'gauge',
    *collect({ status }) {
      for (const [route, rollout] of rolloutsOf(status)) {
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
    *collect({ status }) {
      for (const [route, { canary, step, next }] of rolloutsOf(status)) {
        if (next !== '') yield { labels: { route, version: canary }, value: step?.number ?? 0 };
      }
    },
  },
  {
    name: 'sluice_rollback_total',
    help: 'Rollbacks of a canary since the start',
    type: 'counter',
    *collect({ rollbacks }) {
      for (const { route, version, count } of rollbacks) yield { labels: { route, version }, value: count };
    },
  },
  {
    name: 'sluice_verdict_log_e',
    help: 'Natural logarithm of the e-value against the canary, by process; total is what is compared with log_e_to_fail',
    type: 'gauge',
    *collect({ status }) {
      for (const [route, { verdict }] of rolloutsOf(status)) {
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
    *collect({ status }) {
      for (const [route, { verdict }] of rolloutsOf(status)) {
        if (verdict !== null) yield { labels: { route }, value: verdict.logEToFail };
      }
    },
  },
  {
    name: 'sluice_config_reloads_total',
    help: 'Configurations read again since the start, by result',
    type: 'counter',
    *collect({ status }) {
      yield { labels: { result: 'accepted' }, value: status.config.reloads.accepted };
      yield { labels: { result: 'refused' }, value: status.config.reloads.refused };
    },
  },
  single(
    'sluice_config_last_reload_success_timestamp_seconds',
    'When the configuration in force was loaded',
    (status) => [{}, Date.parse(status.config.loadedAt) / 1000],
  ),
  single('sluice_config_info', 'The configuration in force; always 1', ({ config }) => [{ hash: config.hash }, 1]),
  single('sluice_build_info', 'The running release; always 1', ({ version }) => [{ version }, 1]),
  single('sluice_ready', '1 while the gateway should get traffic', ({ ready }) => [{}, ready ? 1 : 0]),
  {
    name: 'sluice_workers',
    help: 'Data-plane threads by state',
    type: 'gauge',
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
    name: 'sluice_access_log_dropped_total',
    help: 'Lines of the access log that were not written, by cause',
    type: 'counter',
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
];

function* rolloutsOf(status: Status): Generator<readonly [string, RolloutStatus]> {
  for (const { name, rollout } of status.routes) if (rollout !== null) yield [name, rollout];
}

function single(name: string, help: string, read: (status: Status) => readonly [Labels, number]): Family {
  return {
    name,
    help,
    type: 'gauge',
    *collect({ status }): Generator<Sample> {
      const [labels, value] = read(status);
      yield { labels, value };
    },
  };
}
