/**
 * Reads a contract: what is promised of each route, six commitments at most.
 */

import type { Problem } from '../../../model/problem.ts';
import { Fields } from '../check/fields.ts';
import { Findings } from '../check/findings.ts';
import { millisecondsOf } from '../check/openslo.ts';
import type { SloTools } from '../tools.ts';

/** When releases may begin and go on, in UTC. */
export interface ReleaseWindow {
  /** 0 = Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight; `from` is within, `to` is not. An earlier `to` is of the next day: the days are those it begins on. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** What is promised of one route; null: nothing. */
export interface Commitments {
  readonly route: string;
  readonly p99Ms: number | null;
  readonly errorRatio: number | null;
  /** Share of good requests in 28 days. */
  readonly availabilityRatio: number | null;
  /** First bad request of a canary's step to its weight of 0. */
  readonly rollbackMs: number | null;
  /** Any of them. */
  readonly releaseWindows: readonly ReleaseWindow[] | null;
  /** Share of a version's concurrency limit in use. */
  readonly saturationRatio: number | null;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS = ['route', 'p99', 'errorRatio', 'availability', 'rollbackTime', 'releaseWindow', 'saturation'];
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** The commitments of a contract, or its problems. */
export function readContract(
  text: string,
  file: string,
  tools: SloTools,
): { readonly commitments: readonly Commitments[]; readonly problems: readonly Problem[] } {
  const yaml = tools.readYaml(text);
  if (!yaml.ok) {
    const head = { code: tools.codeOf('syntax'), file, ...yaml.place, path: '', hint: '' };
    return { commitments: [], problems: [{ ...head, expected: 'valid YAML', got: `an error: ${yaml.because}` }] };
  }
  const findings = new Findings(file, tools);
  const document = yaml.documents[0] ?? { value: null, placeOf: () => ({ line: 1, column: 1 }) };
  const root = new Fields(document, [], findings);
  const seen = new Set<string>();
  const commitments = root.isMapping(['commitments'])
    ? root.entries('commitments', 'a list of routes with what is promised of each').flatMap((entry) => {
        const one = commitmentsOf(entry);
        if (one === null) return [];
        const flaw = { kind: 'sloTwice', expected: 'every route once' } as const;
        if (seen.has(one.route)) findings.refuse(document, [...entry.path, 'route'], flaw);
        seen.add(one.route);
        return [one];
      })
    : [];
  const { problems } = findings;
  return { commitments: problems.length > 0 ? [] : commitments, problems };
}

function commitmentsOf(entry: Fields): Commitments | null {
  if (!entry.isMapping(FIELDS)) return null;
  const route = entry.text('route', 'the name of a route');
  if (FIELDS.every((field) => field === 'route' || !entry.has(field)))
    entry.refuse('p99', `one of ${FIELDS.slice(1).join(', ')}`);
  const commitments = {
    p99Ms: durationOf(entry, 'p99'),
    errorRatio: entry.has('errorRatio') ? entry.number('errorRatio', 0, 1) : null,
    availabilityRatio: entry.has('availability') ? entry.number('availability', 0, 1) : null,
    rollbackMs: durationOf(entry, 'rollbackTime'),
    releaseWindows: entry.has('releaseWindow') ? windowsOf(entry) : null,
    saturationRatio: entry.has('saturation') ? entry.number('saturation', 0, 1) : null,
  };
  return route === null ? null : { route, ...commitments };
}

function durationOf(entry: Fields, field: string): number | null {
  if (!entry.has(field)) return null;
  const text = entry.text(field, 'a duration such as 300ms');
  const ms = text === null ? null : millisecondsOf(text);
  return text !== null && ms === null ? entry.refuse(field, 'a duration such as 300ms, 5s or 1m') : ms;
}

/** One window, or a list of them. */
function windowsOf(entry: Fields): readonly ReleaseWindow[] {
  const window = entry.at('releaseWindow');
  const all = Array.isArray(window.value) ? entry.entries('releaseWindow', 'a window or a list of them') : [window];
  return all.flatMap((one) => windowOf(one) ?? []);
}

function windowOf(fields: Fields): ReleaseWindow | null {
  if (!fields.isMapping(['days', 'from', 'to'])) return null;
  const days = fields.entries('days', `a list of ${DAYS.join(', ')}`).map((day) => DAYS.indexOf(String(day.value)));
  if (days.includes(-1)) fields.refuse('days', `only ${DAYS.join(', ')}`);
  const [fromMinute, toMinute] = [minuteOf(fields, 'from'), minuteOf(fields, 'to')];
  if (fromMinute === null || toMinute === null) return null;
  if (fromMinute === toMinute) return fields.refuse('to', 'another time than from');
  return { days, fromMinute, toMinute };
}

function minuteOf(fields: Fields, field: string): number | null {
  const { value } = fields.at(field);
  const [, hours, minutes] = CLOCK.exec(typeof value === 'string' ? value : '') ?? [];
  if (hours === undefined) return fields.refuse(field, 'a time of day in UTC such as "09:00"');
  return Number(hours) * 60 + Number(minutes);
}
