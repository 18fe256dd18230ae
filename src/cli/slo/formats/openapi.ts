/**
 * Objectives from an OpenAPI 3 document: `x-slo-*` of its operations, for the routes that carry them.
 *
 * ```
 * x-slo-route: checkout            whose route it is; of an operation, its path, or the document (info)
 * x-slo-availability: 99.9         percent above 1, else a ratio
 * x-slo-latency-threshold: 300ms   with x-slo-latency-target: 99
 * ```
 * The innermost of operation, path and document counts. A route has one objective of each kind, so operations of one route must agree.
 */

import type { Problem } from '../../../model/problem.ts';
import { Fields } from '../check/fields.ts';
import { Findings, mappingOf, valueAt } from '../check/findings.ts';
import { millisecondsOf } from '../check/openslo.ts';
import type { FileObjective } from '../objective.ts';
import type { FileDocument, SloTools } from '../tools.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const AVAILABILITY = 'x-slo-availability';
const THRESHOLD = 'x-slo-latency-threshold';
const TARGET = 'x-slo-latency-target';
const ROUTE = 'x-slo-route';
const KNOWN = [ROUTE, AVAILABILITY, THRESHOLD, TARGET];

/** Whether a document says that it is OpenAPI 3. */
export function isOpenApi({ value }: FileDocument): boolean {
  const version = valueAt(value, ['openapi']);
  return typeof version === 'string' && version.startsWith('3.');
}

/** The objectives of a document; none when there are problems. */
export function fromOpenApi(
  document: FileDocument,
  file: string,
  tools: SloTools,
): { objectives: FileObjective[]; problems: readonly Problem[]; warnings: readonly Problem[] } {
  const findings = new Findings(file, tools);
  const root = new Fields(document, [], findings);
  const found = new Map<string, FileObjective>();
  for (const levels of operations(root)) collect(levels, found);
  const { problems, warnings } = findings;
  return { objectives: problems.length > 0 ? [] : [...found.values()], problems, warnings };
}

/** Where each operation may say something, the innermost first. */
function operations(root: Fields): Fields[][] {
  const paths = root.at('paths');
  const levels = Object.keys(mappingOf(paths.value) ?? {}).flatMap((path) => {
    const item = paths.at(path);
    const methods = METHODS.filter((method) => mappingOf(item.at(method).value) !== null);
    return methods.map((method) => [item.at(method), item, root.at('info')]);
  });
  return levels;
}

function collect(levels: readonly Fields[], found: Map<string, FileObjective>): void {
  for (const level of levels) checkKnown(level);
  const saying = (field: string): Fields | null => levels.find((level) => level.has(field)) ?? null;
  const [availability, threshold, target] = [AVAILABILITY, THRESHOLD, TARGET].map(saying);
  if (!availability && !threshold && !target) return;
  const says = saying(ROUTE);
  const name = says?.text(ROUTE, 'the name of a route') ?? null;
  if (says === null) levels[0]?.refuse(ROUTE, 'the name of the route that carries the operation');
  if (name === null) return;
  if (availability) {
    const targetRatio = ratioOf(availability, AVAILABILITY);
    if (targetRatio !== null)
      keep({ indicator: 'availability', targetRatio, thresholdMs: null, name, calendar: null }, availability, found);
  }
  if (!threshold && !target) return;
  if (!threshold || !target) {
    (threshold ?? target)?.refuse(threshold ? TARGET : THRESHOLD, `${THRESHOLD} and ${TARGET} together`);
    return;
  }
  const targetRatio = ratioOf(target, TARGET);
  const text = threshold.text(THRESHOLD, 'a duration such as 300ms');
  const thresholdMs = text === null ? null : millisecondsOf(text);
  const isWhole = Number.isInteger(thresholdMs);
  if (text !== null && !isWhole) threshold.refuse(THRESHOLD, 'a duration in whole ms such as 300ms');
  if (targetRatio === null || thresholdMs === null || !isWhole) return;
  keep({ indicator: 'latency', targetRatio, thresholdMs, name, calendar: null }, target, found);
}

function keep(asked: Omit<FileObjective, 'scope'>, at: Fields, found: Map<string, FileObjective>): void {
  const key = `${asked.name}/${asked.indicator}`;
  const before = found.get(key);
  found.set(key, before ?? { scope: 'route', ...asked });
  if (before === undefined) return;
  if (before.targetRatio === asked.targetRatio && before.thresholdMs === asked.thresholdMs) return;
  const expected = `the same ${asked.indicator} as the other operations of route ${asked.name}`;
  at.findings.refuse(at.document, at.path, { kind: 'sloTwice', expected, got: 'another one', hint: 'split the route' });
}

/** A ratio, or a percentage above 1. */
function ratioOf(fields: Fields, field: string): number | null {
  const { value } = fields.at(field);
  const isNumber = typeof value === 'number' && value > 0 && value < 100 && value !== 1;
  if (!isNumber) return fields.refuse(field, 'a percentage such as 99.9, or a ratio such as 0.999');
  return value < 1 ? value : Number((value / 100).toPrecision(12));
}

function checkKnown(level: Fields): void {
  for (const field of Object.keys(mappingOf(level.value) ?? {})) {
    if (field.startsWith('x-slo-') && !KNOWN.includes(field)) level.refuse(field, `one of ${KNOWN.join(', ')}`);
  }
}
