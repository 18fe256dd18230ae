/**
 * Reads OpenSLO v1: every document by its kind, references between them, and the objectives that are the gateway's.
 *
 * References may lead out of the file: then they are warned of, as nobody can say what is there. What an alert policy asks is checked
 * against the objective's mathematics: a burn rate cannot exceed 1 / (1 - target).
 * Source: OpenSLO v1, README "Object Types"; docs/slo-files.md.
 */

import type { SloIndicator, SloScope } from '../../../model/slo.ts';
import { ANNOTATION, OPENSLO_VERSION } from '../formats/openslo.ts';
import type { FileObjective } from '../objective.ts';
import type { FileDocument } from '../tools.ts';
import { Fields, refer } from './fields.ts';
import { type Findings, mappingOf, valueAt } from './findings.ts';
import { checkAlertCondition, checkAlertPolicy, policyBurns } from './policies.ts';
import { checkWindow, DURATION, periodOf } from './window.ts';

const KINDS = ['DataSource', 'SLO', 'SLI', 'AlertPolicy', 'AlertCondition', 'AlertNotificationTarget', 'Service'];
const METHODS = ['Occurrences', 'Timeslices', 'RatioTimeslices'];
const SLO_FIELDS = [
  'description', 'service', 'indicator', 'indicatorRef', 'timeWindow', 'budgetingMethod', 'objectives', 'alertPolicies',
]; // biome-ignore format: a list of words
const OBJECTIVE_FIELDS = [
  'displayName', 'op', 'value', 'target', 'targetPercent', 'timeSliceTarget', 'timeSliceWindow', 'indicator', 'indicatorRef',
  'compositeWeight',
]; // biome-ignore format: a list of words
const NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** An objective of ours in a file, and where it is. */
export interface PlacedObjective extends FileObjective {
  readonly fields: Fields;
}

/** Whether a document says that it is OpenSLO's, of whatever version. */
export function isOpenSlo({ value }: FileDocument): boolean {
  const apiVersion = valueAt(value, ['apiVersion']);
  return typeof apiVersion === 'string' && /^openslo(?:\.com)?\//i.test(apiVersion);
}

/**
 * Checks every document of a file.
 * @returns objectives whose annotations or metric source say that the gateway measures them
 */
export function readOpenSlo(documents: readonly FileDocument[], findings: Findings): PlacedObjective[] {
  const objects = new Map<string, Fields>();
  const roots = documents.map((document) => new Fields(document, [], findings));
  for (const root of roots) {
    const key = checkHead(root);
    if (key === null) continue;
    const flaw = { kind: 'sloTwice', expected: `one ${key.replace('/', ' ')} in the file` } as const;
    if (objects.has(key)) findings.refuse(root.document, ['metadata', 'name'], flaw);
    objects.set(key, root);
  }
  const own: PlacedObjective[] = [];
  for (const [key, root] of objects) {
    const spec = root.at('spec');
    if (!spec.isMapping()) continue;
    if (key.startsWith('SLO/')) own.push(...checkSlo(root, objects));
    if (key.startsWith('SLI/')) checkIndicator(spec);
    if (key.startsWith('AlertPolicy/')) checkAlertPolicy(spec, objects);
    if (key.startsWith('AlertCondition/')) checkAlertCondition(spec);
  }
  return own;
}

/** `Kind/name`; null when the document has no head to go by. */
function checkHead(root: Fields): string | null {
  if (!root.isMapping(['apiVersion', 'kind', 'metadata', 'spec'])) return null;
  if (root.at('apiVersion').value !== OPENSLO_VERSION) {
    return root.refuse('apiVersion', OPENSLO_VERSION, 'other versions have other fields, and are not read');
  }
  const kind = root.word('kind', KINDS);
  const metadata = root.at('metadata');
  if (!metadata.isMapping(['name', 'displayName', 'labels', 'annotations'])) return null;
  const name = metadata.text('name', 'a name');
  if (name !== null && !NAME.test(name)) {
    metadata.refuse('name', 'lower-case letters, digits and dashes, at most 63 characters (RFC 1123)');
  }
  return kind === null || name === null ? null : `${kind}/${name}`;
}

function checkSlo(root: Fields, objects: ReadonlyMap<string, Fields>): PlacedObjective[] {
  const spec = root.at('spec');
  spec.isMapping(SLO_FIELDS);
  const service = spec.text('service', 'the name of a service');
  if (service !== null) refer(spec, 'service', { kind: 'Service', name: service }, objects);
  const description = spec.at('description').value;
  if (typeof description === 'string' && description.length > 1050)
    spec.refuse('description', 'at most 1050 characters');
  const method = spec.word('budgetingMethod', METHODS);
  checkWindow(spec);
  const indicator = indicatorOf(spec, objects);
  const burns = policyBurns(spec, objects);
  const own = spec.entries('objectives', 'a list of objectives').flatMap((objective) => {
    const targetRatio = checkObjective(objective, method, indicator);
    if (targetRatio === null) return [];
    for (const { threshold, fields } of burns) checkBurn(targetRatio, threshold, fields);
    return ownOf(root, indicator, targetRatio, objective) ?? [];
  });
  if (own.length === 0) return [];
  if (method !== null && method !== 'Occurrences') warnOfMethod(spec);
  const calendar = periodOf(spec);
  return own.map((one) => ({ ...one, calendar }));
}

function warnOfMethod(spec: Fields): void {
  const expected = 'Occurrences, which is how the gateway counts';
  spec.findings.warn(spec.document, [...spec.path, 'budgetingMethod'], { kind: 'sloNumbers', expected });
}

/** The indicator of an SLO: its own, or the one that it refers to in the file. */
function indicatorOf(spec: Fields, objects: ReadonlyMap<string, Fields>): Fields | null {
  const [isInline, isReferred] = [spec.has('indicator'), spec.has('indicatorRef')];
  if (isInline && isReferred) return spec.refuse('indicatorRef', 'indicator or indicatorRef, not both');
  if (isReferred) {
    const name = spec.text('indicatorRef', 'the name of an SLI');
    return name === null ? null : (refer(spec, 'indicatorRef', { kind: 'SLI', name }, objects)?.at('spec') ?? null);
  }
  const parts = spec.at('objectives').value;
  const isComposite = Array.isArray(parts) && parts.some((one) => mappingOf(one)?.['indicator'] !== undefined);
  if (!isInline) return isComposite ? null : spec.refuse('indicator', 'indicator or indicatorRef');
  const own = spec.at('indicator');
  if (!own.isMapping(['metadata', 'spec'])) return null;
  checkIndicator(own.at('spec'));
  return own.at('spec');
}

function checkIndicator(spec: Fields): void {
  if (!spec.isMapping(['description', 'thresholdMetric', 'ratioMetric'])) return;
  if (spec.has('thresholdMetric') === spec.has('ratioMetric')) {
    spec.refuse('ratioMetric', 'either thresholdMetric or ratioMetric');
    return;
  }
  if (spec.has('thresholdMetric')) checkSource(spec.at('thresholdMetric'));
  else checkRatio(spec.at('ratioMetric'));
}

function checkRatio(ratio: Fields): void {
  if (!ratio.isMapping(['counter', 'good', 'bad', 'total', 'raw', 'rawType'])) return;
  if (ratio.has('raw')) {
    checkSource(ratio.at('raw'));
    ratio.word('rawType', ['success', 'failure']);
    return;
  }
  if (ratio.has('good') === ratio.has('bad')) ratio.refuse('good', 'either good or bad, beside total');
  for (const part of ['good', 'bad', 'total'].filter((one) => one === 'total' || ratio.has(one))) {
    checkSource(ratio.at(part));
  }
}

function checkSource(metric: Fields): void {
  if (!metric.isMapping(['metricSource'])) return;
  const source = metric.at('metricSource');
  if (!source.isMapping(['metricSourceRef', 'type', 'spec'])) return;
  if (!source.has('type') && !source.has('metricSourceRef')) source.refuse('type', 'type or metricSourceRef');
  source.at('spec').isMapping();
}

/** The target as a ratio. */
function checkObjective(objective: Fields, method: string | null, indicator: Fields | null): number | null {
  if (!objective.isMapping(OBJECTIVE_FIELDS)) return null;
  if (method === 'Timeslices') objective.number('timeSliceTarget', 0, 1.000001);
  if (method === 'Timeslices' || method === 'RatioTimeslices') checkSlice(objective);
  if (indicator?.has('thresholdMetric') === true) {
    objective.word('op', ['lte', 'gte', 'lt', 'gt']);
    objective.number('value', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }
  const [hasRatio, hasPercent] = [objective.has('target'), objective.has('targetPercent')];
  if (hasRatio === hasPercent) return objective.refuse('target', 'either target or targetPercent');
  const target = hasRatio ? objective.number('target', 0, 1) : objective.number('targetPercent', 0, 100);
  if (target === null) return null;
  const targetRatio = hasRatio ? target : Number((target / 100).toPrecision(12));
  if (targetRatio > 0) return targetRatio;
  const field = hasRatio ? 'target' : 'targetPercent';
  const flaw = { kind: 'sloNumbers', expected: 'a target above 0: at 0 nothing can miss it' } as const;
  objective.findings.warn(objective.document, [...objective.path, field], flaw);
  return null;
}

/** A duration, or a bare number of minutes. */
function checkSlice(objective: Fields): void {
  const { value } = objective.at('timeSliceWindow');
  const isSound = typeof value === 'number' ? value > 0 : typeof value === 'string' && DURATION.test(value);
  if (!isSound) objective.refuse('timeSliceWindow', 'a duration such as 1m, or a number of minutes');
}

function checkBurn(targetRatio: number, threshold: number, fields: Fields): void {
  const most = 1 / (1 - targetRatio);
  if (threshold < most) return;
  const expected = `a burn rate below ${Number(most.toPrecision(4))}, which is all that fails at a target of ${targetRatio}`;
  fields.findings.refuse(fields.document, [...fields.path, 'threshold'], { kind: 'sloNumbers', expected });
}

const SCOPES: readonly string[] = ['route', 'service'];
const INDICATORS: readonly string[] = ['availability', 'latency'];

/** What the gateway measures of it: by the annotations of an export, or by a metric source of type sluice. */
function ownOf(
  root: Fields,
  indicator: Fields | null,
  targetRatio: number,
  fields: Fields,
): Omit<PlacedObjective, 'calendar'> | null {
  const annotations = mappingOf(root.at('metadata').at('annotations').value);
  const annotated = (key: string): unknown => annotations?.[`${ANNOTATION}${key}`];
  const source = indicator === null ? null : mappingOf(sourceOf(indicator));
  const spec = source?.['type'] === 'sluice' ? mappingOf(source['spec']) : null;
  if (spec === null && annotated('name') === undefined) return null;
  const saying = (key: string): unknown => spec?.[key] ?? annotated(key);
  const [scope, name, sli] = [saying('scope'), saying('name'), saying('sli')];
  const threshold = saying('threshold');
  const thresholdMs = typeof threshold === 'string' ? millisecondsOf(threshold) : null;
  const isSound =
    typeof scope === 'string' && SCOPES.includes(scope) && typeof sli === 'string' && INDICATORS.includes(sli) &&
    typeof name === 'string' && (sli === 'latency') === Number.isInteger(thresholdMs); // biome-ignore format: one condition
  if (!isSound) {
    const expected =
      'scope (route, service), name, sli (availability, latency), and of latency a threshold in whole ms such as 300ms';
    root.findings.refuse(root.document, ['metadata', 'annotations'], { kind: 'sloField', expected });
    return null;
  }
  return { scope: scope as SloScope, name, indicator: sli as SloIndicator, targetRatio, thresholdMs, fields };
}

function sourceOf(indicator: Fields): unknown {
  const ratio = indicator.at('ratioMetric');
  return ratio.at('good').at('metricSource').value ?? indicator.at('thresholdMetric').at('metricSource').value;
}

/** `300ms`, `0.5s` or `2m` in ms; null when it is none of them. */
export function millisecondsOf(text: string): number | null {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  if (digits === undefined) return null;
  return Number(digits) * (unit === 'm' ? 60_000 : unit === 's' ? 1000 : 1);
}
