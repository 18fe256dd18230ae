/**
 * Reads the alert policies of OpenSLO v1, and the burn rates that they ask for.
 */

import { type Fields, refer } from './fields.ts';

/** A burn rate that a condition asks for, and where. */
export interface AskedBurn {
  readonly threshold: number;
  /** Of the condition. */
  readonly fields: Fields;
}

const POLICY_FIELDS = [
  'description', 'alertWhenNoData', 'alertWhenResolved', 'alertWhenBreaching', 'conditions', 'notificationTargets',
]; // biome-ignore format: a list of words
const DURATION = /^[1-9]\d*(?:m|h|d|w)$/;

/** A policy has one condition: its own, or a reference. */
export function checkAlertPolicy(spec: Fields, objects: ReadonlyMap<string, Fields>): AskedBurn | null {
  if (!spec.isMapping(POLICY_FIELDS)) return null;
  const [condition] = spec.entries('conditions', 'a list of one condition', 1);
  if (condition === undefined || !condition.isMapping()) return null;
  if (!condition.has('conditionRef')) return checkAlertCondition(condition.at('spec'));
  const name = condition.text('conditionRef', 'the name of an AlertCondition');
  const referred = name === null ? null : refer(condition, 'conditionRef', { kind: 'AlertCondition', name }, objects);
  return referred === null ? null : burnOf(referred.at('spec').at('condition'));
}

/** A condition says how fast a budget must burn, over which window. */
export function checkAlertCondition(spec: Fields): AskedBurn | null {
  if (!spec.isMapping(['description', 'severity', 'condition'])) return null;
  spec.text('severity', 'a severity');
  const condition = spec.at('condition');
  if (!condition.isMapping(['kind', 'op', 'threshold', 'lookbackWindow', 'alertAfter'])) return null;
  condition.word('kind', ['burnrate']);
  const op = condition.word('op', ['lte', 'gte', 'lt', 'gt']);
  if (op === 'lte' || op === 'lt') {
    const flaw = { kind: 'sloNumbers', expected: 'gte or gt: this alert rings while little burns', hint: '' } as const;
    condition.findings.warn(condition.document, [...condition.path, 'op'], flaw);
  }
  for (const field of ['lookbackWindow', 'alertAfter']) {
    const { value } = condition.at(field);
    if (field === 'alertAfter' && value === undefined) continue;
    if (typeof value !== 'string' || !DURATION.test(value)) condition.refuse(field, 'a duration such as 1h');
  }
  condition.number('threshold', 0, Number.POSITIVE_INFINITY);
  return burnOf(condition);
}

/** Burn rates that the policies of an SLO ask for. Each policy of its own is checked here; named ones, where they stand. */
export function policyBurns(spec: Fields, objects: ReadonlyMap<string, Fields>): AskedBurn[] {
  if (!spec.has('alertPolicies')) return [];
  return spec.entries('alertPolicies', 'a list of policies').flatMap((entry, index) => {
    if (typeof entry.value === 'object') {
      if (!entry.has('alertPolicyRef')) return checkAlertPolicy(entry.at('spec'), objects) ?? [];
      const name = entry.text('alertPolicyRef', 'the name of an AlertPolicy');
      return name === null ? [] : named(entry, 'alertPolicyRef', name, objects);
    }
    if (typeof entry.value === 'string') return named(spec.at('alertPolicies'), index, entry.value, objects);
    spec.at('alertPolicies').refuse(index, 'the name of an AlertPolicy, or one');
    return [];
  });
}

function named(from: Fields, field: string | number, name: string, objects: ReadonlyMap<string, Fields>): AskedBurn[] {
  const policy = refer(from, field, { kind: 'AlertPolicy', name }, objects);
  const conditions = policy?.at('spec').at('conditions');
  const condition = conditions?.at(0);
  if (condition === undefined) return [];
  const reference = condition.at('conditionRef').value;
  const inline = burnOf(condition.at('spec').at('condition'));
  if (typeof reference !== 'string') return inline === null ? [] : [inline];
  const burn = burnOf(objects.get(`AlertCondition/${reference}`)?.at('spec').at('condition') ?? condition);
  return burn === null ? [] : [burn];
}

function burnOf(condition: Fields): AskedBurn | null {
  const { value } = condition.at('threshold');
  return typeof value === 'number' ? { threshold: value, fields: condition } : null;
}
