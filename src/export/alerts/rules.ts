/**
 * Which channels an alert goes to: those of every rule that it fits, each once; without rules all of them.
 */

import type { AlertsConfig, ChannelRule, Condition } from '../../model/threads/load/alerts.ts';

/** Names of channels, in the order of the configuration. */
export function channelsFor(
  { channels, rules }: Pick<AlertsConfig, 'channels' | 'rules'>,
  alert: Pick<Condition, 'kind' | 'severity' | 'route' | 'service'>,
): string[] {
  const names = channels.map(({ name }) => name);
  if (rules.length === 0) return names;
  const wanted = new Set(rules.filter((rule) => fits(rule, alert)).flatMap((rule) => rule.channels));
  return names.filter((name) => wanted.has(name));
}

/** A list that is empty asks for nothing; an alert about no route fits no rule that names some. */
function fits(
  { severities, kinds, routes, services }: ChannelRule,
  alert: Pick<Condition, 'kind' | 'severity' | 'route' | 'service'>,
): boolean {
  return (
    has(severities, alert.severity) &&
    has(kinds, alert.kind) &&
    has(routes, alert.route) &&
    has(services, alert.service)
  );
}

function has<T>(list: readonly T[], value: T): boolean {
  return list.length === 0 || list.includes(value);
}
