/**
 * Rules for Prometheus over the gateway's own metrics, with the names of series that Sloth's dashboards read.
 *
 * ```
 * sluice_slo_events_total ─▶ slo:sli_error:ratio_rate<window> ─▶ slo:current_burn_rate:ratio, slo:period_…  ─▶ alerts
 * ```
 * One pair of groups per objective, and one with its alerts. The alerts are the gateway's own, but for its exact-count guard, which
 * PromQL would have to spell out: with few requests Prometheus rings sooner.
 * Source: names of series and labels as of Sloth, sloth.dev; docs/slo-files.md.
 */

import {
  budgetOf,
  daysText,
  type FileObjective,
  idOf,
  kindOf,
  PERIOD_DAYS,
  percentText,
  selectorOf,
  titleOf,
} from '../objective.ts';
import type { AlertRule } from '../tools.ts';

/** Windows of error ratios: those of the alerts, and those that dashboards show. */
const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
const PERIOD = daysText(PERIOD_DAYS);

type Labels = Readonly<Record<string, string>>;

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels: Labels;
  readonly annotations?: Labels;
}

/** A file of rules: `{groups}`. */
export function prometheusRules(
  objectives: readonly FileObjective[],
  rules: readonly AlertRule[],
  version: string,
): { readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[] } {
  return {
    groups: objectives.flatMap((objective) => {
      const id = idOf(objective);
      return [
        { name: `sloth-slo-sli-recordings-${id}`, rules: ratioRules(objective) },
        { name: `sloth-slo-meta-recordings-${id}`, rules: metaRules(objective, version) },
        { name: `sloth-slo-alerts-${id}`, rules: alertRules(objective, rules) },
      ];
    }),
  };
}

/** Labels that Sloth gives to everything about an objective. */
export function slothLabels(objective: FileObjective): Labels {
  return { sloth_id: idOf(objective), sloth_service: objective.name, sloth_slo: kindOf(objective) };
}

/** Bad events, or all of them, a second. @param window `5m`, or Sloth's `{{.window}}` */
export function rateOf(objective: FileObjective, window: string, outcome: 'bad' | 'any'): string {
  const only = outcome === 'bad' ? ',outcome="bad"' : '';
  return `sum(rate(sluice_slo_events_total{${selectorOf(objective)}${only}}[${window}]))`;
}

function ratioRules(objective: FileObjective): Rule[] {
  const labels = slothLabels(objective);
  const short = `slo:sli_error:ratio_rate5m{${selected(labels)}}[${PERIOD}]`;
  return [
    ...WINDOWS.map((window) => ({
      record: `slo:sli_error:ratio_rate${window}`,
      expr: `${rateOf(objective, window, 'bad')} / (${rateOf(objective, window, 'any')} > 0)`,
      labels: { ...labels, sloth_window: window },
    })),
    {
      record: `slo:sli_error:ratio_rate${PERIOD}`,
      expr: `sum_over_time(${short}) / ignoring (sloth_window) count_over_time(${short})`,
      labels: { ...labels, sloth_window: PERIOD },
    },
  ];
}

function metaRules(objective: FileObjective, version: string): Rule[] {
  const labels = slothLabels(objective);
  const own = `{${selected(labels)}}`;
  const rule = (record: string, expr: string, more: Labels = {}): Rule => {
    return { record, expr, labels: { ...labels, ...more } };
  };
  const burn = (window: string): string =>
    `slo:sli_error:ratio_rate${window}${own} / on(sloth_id, sloth_slo, sloth_service) group_left slo:error_budget:ratio${own}`;
  return [
    rule('slo:objective:ratio', `vector(${objective.targetRatio})`),
    rule('slo:error_budget:ratio', `vector(${budgetOf(objective)})`),
    rule('slo:time_period:days', `vector(${PERIOD_DAYS})`),
    rule('slo:current_burn_rate:ratio', burn('5m')),
    rule('slo:period_burn_rate:ratio', burn(PERIOD)),
    rule('slo:period_error_budget_remaining:ratio', `1 - slo:period_burn_rate:ratio${own}`),
    rule('sloth_slo_info', 'vector(1)', {
      sloth_mode: 'sluice',
      sloth_objective: percentText(objective.targetRatio),
      sloth_spec: 'prometheus/v1',
      sloth_version: `sluice-${version}`,
    }),
  ];
}

/** One alert for each severity: any of its pairs of windows. */
function alertRules(objective: FileObjective, rules: readonly AlertRule[]): Rule[] {
  const own = `{${selected(slothLabels(objective))}}`;
  const above = (window: string, factor: number): string =>
    `max(slo:sli_error:ratio_rate${window}${own} > (${factor} * ${budgetOf(objective)})) without (sloth_window)`;
  const severities = [...new Set(rules.map(({ severity }) => severity))];
  return severities.map((severity) => {
    const pairs = rules.filter((rule) => rule.severity === severity);
    const either = pairs.map(({ long, short, factor }) => `(${above(short, factor)} and ${above(long, factor)})`);
    return {
      alert: 'SluiceErrorBudgetBurn',
      expr: either.join(' or '),
      labels: { severity, sloth_severity: severity, ...slothLabels(objective) },
      annotations: {
        title: `(${severity}) ${titleOf(objective)} burns its error budget too fast`,
        summary: `${titleOf(objective)}: above ${pairs.map(({ factor, long }) => `${factor}x over ${long}`).join(' or ')}, objective ${percentText(objective.targetRatio)} %`,
      },
    };
  });
}

function selected(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ');
}
