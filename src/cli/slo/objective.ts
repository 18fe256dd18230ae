/**
 * Objectives of a file, whatever its format: whose they are, what they count, how much of it is to be good.
 */

import type { Config } from '../../model/config.ts';
import type { SloAsked, SloConfig, SloIndicator, SloScope } from '../../model/slo.ts';

export interface FileObjective {
  readonly scope: SloScope;
  /** Of the route or service. */
  readonly name: string;
  readonly indicator: SloIndicator;
  readonly targetRatio: number;
  /** null but of latency. */
  readonly thresholdMs: number | null;
  /** Period that is reported besides the rolling one. */
  readonly calendar: SloConfig['calendar'];
}

/** Fields of an `slo` that no objective has: what is asked for besides. */
export interface ExtraFields {
  readonly scope: SloScope;
  readonly name: string;
  readonly fields: readonly string[];
}

/** Days of the period that budgets roll over. */
export const PERIOD_DAYS = 28;

/** Every objective of a configuration: routes, services, the gateway. */
export function objectivesIn({ routes, services, business }: Config): FileObjective[] {
  const ofEach = (scope: SloScope) => (one: { readonly name: string; readonly slo: SloAsked | null }) =>
    one.slo === null ? [] : asked(scope, one.name, one.slo);
  const gateway = business === undefined ? [] : asked('gateway', 'business', { ...business.terms, business });
  return [...routes.flatMap(ofEach('route')), ...services.flatMap(ofEach('service')), ...gateway];
}

function asked(scope: SloScope, name: string, slo: SloAsked): FileObjective[] {
  const { availabilityRatio, latency, composite, business, calendar } = slo;
  const one = (indicator: SloIndicator, targetRatio: number | undefined, thresholdMs: number | null = null) =>
    targetRatio === undefined ? [] : [{ scope, name, indicator, targetRatio, thresholdMs, calendar }];
  return [
    ...one('availability', availabilityRatio),
    ...one('latency', latency?.targetRatio, latency?.thresholdMs),
    ...one('composite', composite?.targetRatio),
    ...one('business', business?.targetRatio),
  ];
}

/** Days as Prometheus and Sloth write a duration: `4w`, and `30d` where there are no whole weeks. */
export function daysText(days: number): string {
  return days % 7 === 0 ? `${days / 7}w` : `${days}d`;
}

/** `route-availability`: which of the objectives of a name it is. */
export function kindOf({ scope, indicator }: FileObjective): string {
  return `${scope}-${indicator}`;
}

/** Distinct among the objectives of a configuration. */
export function idOf(objective: FileObjective): string {
  return `${objective.name}-${kindOf(objective)}`;
}

/** In words, for messages. */
export function titleOf({ scope, name, indicator }: Pick<FileObjective, 'scope' | 'name' | 'indicator'>): string {
  return `${indicator} of ${scope} ${name}`;
}

/** Labels of its series in the gateway's metrics, as a PromQL selector without braces. */
export function selectorOf({ scope, name, indicator }: FileObjective): string {
  return `scope="${scope}",name=${JSON.stringify(name)},sli="${indicator}"`;
}

/** 1 minus the target, without the dust of binary fractions. */
export function budgetOf({ targetRatio }: Pick<FileObjective, 'targetRatio'>): number {
  return Number((1 - targetRatio).toPrecision(12));
}

/** A ratio as a percentage in text, `99.95`. */
export function percentText(ratio: number): string {
  return String(Number((ratio * 100).toPrecision(10)));
}
