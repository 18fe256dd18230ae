/**
 * Alert rules for Prometheus over the gateway's metrics, one row each, with a section of docs/RUNBOOKS.md of the same name.
 *
 * Objectives ring by the gateway's own alerts, which know when failures are within chance (docs/ARCHITECTURE.md); rules that
 * compute burn rates from counters come from `sluice slo export --format prometheus`.
 */

import { stringify } from 'yaml';

export type Severity = 'page' | 'ticket';

export interface Alert {
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long it has to hold, as Prometheus writes durations. */
  readonly for: string;
  /** One sentence, with Prometheus' templates. */
  readonly summary: string;
}

export const ALERTS: readonly Alert[] = [
  {
    name: 'SluiceDown',
    severity: 'page',
    expr: 'up{job="sluice"} == 0',
    for: '1m',
    summary: '{{ $labels.instance }} answers no scrape',
  },
  {
    name: 'SluiceNotReady',
    severity: 'page',
    expr: 'sluice_ready == 0',
    for: '2m',
    summary: '{{ $labels.instance }} should get no traffic',
  },
  {
    name: 'SluiceObjectivePage',
    severity: 'page',
    expr: 'max by (job, instance, scope, name, sli) (sluice_slo_alert_firing{severity="page"}) == 1',
    for: '0s',
    summary: '{{ $labels.scope }} {{ $labels.name }} burns its {{ $labels.sli }} budget fast enough to wake somebody',
  },
  {
    name: 'SluiceObjectiveTicket',
    severity: 'ticket',
    expr: 'max by (job, instance, scope, name, sli) (sluice_slo_alert_firing{severity="ticket"}) == 1',
    for: '0s',
    summary: '{{ $labels.scope }} {{ $labels.name }} burns its {{ $labels.sli }} budget faster than it may',
  },
  {
    name: 'SluiceBudgetSpent',
    severity: 'ticket',
    expr: 'sluice_slo_error_budget_remaining_ratio <= 0',
    for: '5m',
    summary: '{{ $labels.scope }} {{ $labels.name }} has nothing left of its {{ $labels.sli }} budget',
  },
  {
    name: 'SluiceRollback',
    severity: 'ticket',
    expr: 'increase(sluice_rollback_total[15m]) > 0',
    for: '0s',
    summary: '{{ $labels.version }} was rolled back on route {{ $labels.route }}',
  },
  {
    name: 'SluiceVersionOut',
    severity: 'page',
    expr: 'max by (job, instance, service, version) (sluice_endpoint_up) == 0',
    for: '1m',
    summary: 'no endpoint of {{ $labels.service }} {{ $labels.version }} is fit for traffic',
  },
  {
    name: 'SluiceShedding',
    severity: 'page',
    expr: 'sluice_saturation_grade{scope="process"} >= 2',
    for: '2m',
    summary: '{{ $labels.instance }} is short of processor, memory or descriptors and refuses requests',
  },
  {
    name: 'SluiceWorkerReplaced',
    severity: 'ticket',
    expr: 'increase(sluice_worker_restarts_total[15m]) > 0',
    for: '0s',
    summary: 'a worker of {{ $labels.instance }} was replaced',
  },
  {
    name: 'SluiceDefect',
    severity: 'ticket',
    expr: 'increase(sluice_defects_total[15m]) > 0',
    for: '0s',
    summary: '{{ $labels.instance }} failed at something in its {{ $labels.part }} by a defect of its own, and went on',
  },
  {
    name: 'SluiceConfigRefused',
    severity: 'ticket',
    expr: 'increase(sluice_config_reloads_total{result="refused"}[15m]) > 0',
    for: '0s',
    summary: '{{ $labels.instance }} refused a configuration and keeps the one before',
  },
  {
    name: 'SluiceConfigHeld',
    severity: 'ticket',
    expr: 'sluice_config_in_sync == 0',
    for: '1h',
    summary: 'what {{ $labels.instance }} has in force is not what its sources hold',
  },
  {
    name: 'SluiceSourceStale',
    severity: 'ticket',
    expr: 'sluice_source_stale_seconds > 300',
    for: '5m',
    summary: '{{ $labels.source }} has confirmed nothing to {{ $labels.instance }} for five minutes',
  },
  {
    name: 'SluiceCertificateEnds',
    severity: 'ticket',
    expr: 'sluice_certificate_expiry_timestamp_seconds - time() < 14 * 86400',
    for: '1h',
    summary: 'certificate {{ $labels.certificate }} of {{ $labels.listener }} ends within two weeks',
  },
  {
    name: 'SluiceCertificateKept',
    severity: 'ticket',
    expr: 'sluice_listener_tls_state{state!="serving"} == 1',
    for: '10m',
    summary: 'the files of {{ $labels.listener }} cannot be used: {{ $labels.state }}',
  },
  {
    name: 'SluiceStateUnavailable',
    severity: 'ticket',
    expr: 'sluice_state{kind="unavailable"} == 1',
    for: '5m',
    summary: '{{ $labels.instance }} cannot write its state: budgets and decisions would not outlive it',
  },
  {
    name: 'SluiceFleetAlone',
    severity: 'ticket',
    expr: 'sluice_fleet_mode{mode="alone"} == 1',
    for: '5m',
    summary: '{{ $labels.instance }} does not hear of its fleet and decides by itself',
  },
  {
    name: 'SluiceFaultsForgotten',
    severity: 'ticket',
    expr: 'sluice_faults_active > 0',
    for: '1h',
    summary: 'faults on purpose have been active on {{ $labels.instance }} for an hour',
  },
  {
    name: 'SluiceLogLost',
    severity: 'ticket',
    expr: 'sum by (job, instance) (increase(sluice_access_log_dropped_total{cause!="failure_rate"}[15m])) > 0',
    for: '0s',
    summary: '{{ $labels.instance }} lost lines of its access log',
  },
  {
    name: 'SluiceScrapesFail',
    severity: 'ticket',
    expr: 'sum by (job, instance) (increase(sluice_scrapes_failed_total[15m])) > 3',
    for: '0s',
    summary: 'scrapes of {{ $labels.instance }} are refused, or given up before they end',
  },
];

/** The section of an alert: a heading is linked by its lower-case text. */
export function runbookOf({ name }: Alert): string {
  return `docs/RUNBOOKS.md#${name.toLowerCase()}`;
}

/** A file of rules for Prometheus, as a value. */
export function alertRules() {
  const rules = ALERTS.map((alert) => ({
    alert: alert.name,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: { summary: alert.summary, runbook_url: runbookOf(alert) },
  }));
  return { groups: [{ name: 'sluice', rules }] };
}

/** The same as text. */
export function alertsFile(): string {
  const head =
    '# Made from deploy/observability/alerts.ts by `npm run docs`; do not edit. The scrape job is called sluice.\n';
  return `${head}${stringify(alertRules(), { lineWidth: 0 })}`;
}
