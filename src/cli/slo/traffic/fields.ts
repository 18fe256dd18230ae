/**
 * One line of recorded traffic, whatever its form: named fields, each with its column, become a request.
 *
 * The fields are those of the access log (docs/ACCESS-LOG.md), and three that other records have: `service`, `user`, and `duration`
 * with its unit. An empty field is one that is not there.
 */

import { REASON, REASONS, type Reason } from '../../../model/reason.ts';
import type { RecordedRequest } from '../../../model/threads/load/traffic.ts';

/** What a line may have; others are passed over. */
export const FIELDS = [
  'time',
  'route',
  'service',
  'version',
  'rescuedFrom',
  'path',
  'status',
  'reason',
  'durationMs',
  'duration',
  'user',
  'client',
  'sampleRatio',
  'fallback',
] as const;

export type Field = (typeof FIELDS)[number];

/** A field's text, and where it begins, 1-based. */
export interface Cell {
  readonly text: string;
  readonly column: number;
}

/** The fields of a line; undefined or empty: it has none of that name. */
export type Cells = (name: Field) => Cell | undefined;

/** A field that is not what it should be. */
export class FieldError extends Error {
  readonly column: number;

  constructor(name: string, column: number, expected: string, got: string) {
    super(`${name}: expected ${expected}, got ${got}`);
    this.column = column;
  }
}

/** nginx's word for a client that went away before there was an answer. */
const CLIENT_CLOSED = 499;
const GOT_CHARS_MAX = 40;
/** 116 days; every time that can be written has an end then: years have four digits, a Date reaches 8.64e15 ms. */
const DURATION_MS_MAX = 1e10;
/** A line stands for at most a million requests. */
const SAMPLE_RATIO_MIN = 1e-6;

/** @throws FieldError */
export function requestOf(cells: Cells): RecordedRequest {
  const text = (name: Field): string | null => cells(name)?.text || null;
  const durationMs = durationOf(cells);
  const asked = take(cells, 'status', statusOf) ?? 0;
  const status = asked === CLIENT_CLOSED ? 0 : asked;
  const said = take(cells, 'reason', reasonOf) ?? (asked === CLIENT_CLOSED ? REASON.clientClosed : REASON.none);
  return {
    endedAtMs: need(cells, 'time', timeOf) + (durationMs ?? 0),
    route: text('route'),
    service: text('service'),
    version: text('version'),
    rescuedFrom: text('rescuedFrom'),
    path: text('path'),
    status,
    reason: judged(text('fallback') === null ? said : REASON.none, status),
    durationMs,
    user: text('user') ?? text('client'),
    count: 1 / (take(cells, 'sampleRatio', ratioOf) ?? 1),
  };
}

/** Of a fallback the log says why it was asked; what counts is what came of it. An answer that never came has failed. */
function judged(reason: Reason, status: number): Reason {
  return reason === REASON.none && status === 0 ? REASON.upstreamReset : reason;
}

function durationOf(cells: Cells): number | null {
  return take(cells, 'durationMs', msOf) ?? take(cells, 'duration', lengthOf);
}

interface Form<T> {
  readonly expected: string;
  /** null: it is not so. */
  readonly read: (text: string) => T | null;
}

function take<T>(cells: Cells, name: Field, { expected, read }: Form<T>): T | null {
  const cell = cells(name);
  if (cell === undefined || cell.text === '') return null;
  const value = read(cell.text);
  if (value !== null) return value;
  const got = cell.text.length > GOT_CHARS_MAX ? `${cell.text.slice(0, GOT_CHARS_MAX)}…` : cell.text;
  throw new FieldError(name, cell.column, expected, got);
}

function need<T>(cells: Cells, name: Field, form: Form<T>): T {
  const value = take(cells, name, form);
  if (value === null) throw new FieldError(name, cells(name)?.column ?? 1, form.expected, 'nothing');
  return value;
}

const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/;
const NUMBER = /^\d{1,15}(?:\.\d{1,15})?(?:e-?\d{1,3})?$/i;

const timeOf: Form<number> = {
  expected: 'an ISO 8601 time with its zone, or seconds since 1970',
  read: (text) => {
    if (/^\d{1,10}(?:\.\d{1,9})?$/.test(text)) return Math.round(Number(text) * 1000);
    const ms = ISO_TIME.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(ms) || ms < 0 ? null : ms;
  },
};

/** Whether a month has that day: Date.parse takes 30 February for 2 March. @param day `2026-11-01` */
function isDay(day: string): boolean {
  return new Date(day).getUTCDate() === Number(day.slice(8));
}

const statusOf: Form<number> = {
  expected: 'a status from 100 to 599, or 0 where no answer was given',
  read: (text) => (/^(?:[1-5]\d\d|0|000)$/.test(text) ? Number(text) : null),
};

const reasonOf: Form<Reason> = {
  expected: 'a reason of docs/reasons.md',
  read: (text) => {
    const reason = REASONS.findIndex(({ name }) => name === text);
    return reason === -1 ? null : (reason as Reason);
  },
};

const msOf: Form<number> = {
  expected: 'a number of milliseconds, at most 1e10',
  read: (text) => (NUMBER.test(text) ? atMost(DURATION_MS_MAX, Number(text)) : null),
};

const lengthOf: Form<number> = {
  expected: 'a duration with its unit, as in 35ms or 0.2s, at most 1e10 ms',
  read: (text) => {
    const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,15})?)(ms|s)$/.exec(text) ?? [];
    return number === '' ? null : atMost(DURATION_MS_MAX, Number(number) * (unit === 's' ? 1000 : 1));
  },
};

function atMost(max: number, value: number): number | null {
  return value <= max ? value : null;
}

const ratioOf: Form<number> = {
  expected: 'a share from 0.000001 to 1',
  read: (text) => {
    const ratio = NUMBER.test(text) ? Number(text) : Number.NaN;
    return ratio >= SAMPLE_RATIO_MIN && ratio <= 1 ? ratio : null;
  },
};
