/**
 * Numbers of the document: integers in a range, sizes in bytes, ratios, weights, worker counts.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { type Check, didYouMean, type Fault, wrongType } from '../problems/fault.ts';

/** Largest weight; the sum over a route stays far below 2^53. */
export const WEIGHT_MAX = 1_000_000;
const WORKERS_MAX = 1024;
/** Largest weight of an endpoint; the model's range. */
export const ENDPOINT_WEIGHT_MAX = 1000;

/** Statuses below 500 that say "not now" rather than "not like this"; Gateway API leaves 400..499 to implementations. */
export const RETRY_STATUSES_BELOW_500: readonly number[] = [409, 425, 429];

const SIZE = /^([0-9]{1,12})(KiB|MiB|GiB|TiB|B)$/;
const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** JSON Schema of a size. */
export const SIZE_META = {
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', pattern: SIZE.source },
  ],
};

/** A check for integers from `min` to `max`, both included. */
export function integerBetween(min: number, max: number): Check {
  const expected = `an integer from ${min} to ${max}`;
  return (value) => {
    if (typeof value !== 'number') return wrongType(expected, value, unquoted(value));
    return Number.isInteger(value) && value >= min && value <= max ? null : { kind: 'number', expected };
  };
}

/** A check for real numbers from `min` to `max`, both included. */
export function numberBetween(min: number, max: number): Check {
  const expected = `a number from ${min} to ${max}`;
  return (value) => {
    if (typeof value !== 'number') return wrongType(expected, value, unquoted(value));
    return value >= min && value <= max ? null : { kind: 'number', expected };
  };
}

/** Bytes of a size, an integer or text such as `8KiB`; null when it is malformed. */
export function parseSize(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  const form = typeof value === 'string' ? SIZE.exec(value) : null;
  return form === null ? null : Number(form[1]) * (UNIT_BYTES[form[2] as string] as number);
}

/** A check for sizes from `min` to `max` bytes, both included. */
export function sizeBetween(min: number, max: number): Check {
  const expected = `a size in bytes from ${min} to ${max}, such as 8192 or 8KiB`;
  return (value) => {
    if (typeof value !== 'number' && typeof value !== 'string') return wrongType(expected, value);
    const bytes = parseSize(value);
    if (bytes !== null && bytes >= min && bytes <= max) return null;
    return { kind: 'size', expected, hint: bytes === null ? sizeHint(value) : '' };
  };
}

/** `8kb`, `8 K` → 8KiB. */
function sizeHint(value: unknown): string {
  const form = typeof value === 'string' ? /^\s*([0-9]{1,9})\s*([kmgt])i?b?\s*$/i.exec(value) : null;
  return form === null ? '' : didYouMean(`${form[1]}${(form[2] as string).toUpperCase()}iB`);
}

/** A ratio above 0 and below 1; percentages are recognized. */
export function checkRatio(value: unknown): Fault | null {
  const expected = 'a ratio above 0 and below 1';
  if (typeof value === 'number') {
    return value > 0 && value < 1 ? null : { kind: 'ratio', expected, hint: percentHint(value) };
  }
  const percent = typeof value === 'string' ? /^\s*([0-9]{1,3}(?:\.[0-9]{1,12})?)\s*%\s*$/.exec(value) : null;
  if (percent !== null) return { kind: 'ratio', expected, hint: percentHint(Number(percent[1])) };
  return wrongType(expected, value, unquoted(value));
}

function percentHint(percent: number): string {
  // 99.9 / 100 is 0.9990000000000001 in binary; 12 digits are more than any objective has.
  return percent > 0 && percent < 100 ? didYouMean(String(Number((percent / 100).toPrecision(12)))) : '';
}

/** A weight: an integer from 0 to 1,000,000. */
export function checkWeight(value: unknown): Fault | null {
  const expected = `a weight: an integer from 0 to ${WEIGHT_MAX}`;
  if (typeof value !== 'number') return wrongType(expected, value, unquoted(value));
  if (Number.isInteger(value) && value >= 0 && value <= WEIGHT_MAX) return null;
  const isShare = value > 0 && value < 1;
  return { kind: 'weight', expected, hint: isShare ? 'weights are relative: write 95 and 5 for 0.95 and 0.05' : '' };
}

/** A share from 0 to 1, both included; percentages are recognized. */
export function checkShare(value: unknown): Fault | null {
  if (typeof value === 'number' && value >= 0 && value <= 1) return null;
  const fault = checkRatio(value);
  const expected = 'a ratio from 0 to 1';
  return fault?.kind === 'ratio' ? { ...fault, kind: 'share', expected } : wrongType(expected, value, unquoted(value));
}

/** The weight of an endpoint: an integer from 1 to 1,000. */
export function checkEndpointWeight(value: unknown): Fault | null {
  const expected = `a weight: an integer from 1 to ${ENDPOINT_WEIGHT_MAX}`;
  if (typeof value !== 'number') return wrongType(expected, value, unquoted(value));
  if (Number.isInteger(value) && value >= 1 && value <= ENDPOINT_WEIGHT_MAX) return null;
  return { kind: 'endpointWeight', expected, hint: value === 0 ? 'leave the endpoint out to send it nothing' : '' };
}

/**
 * A response status that may be tried again: 500..599, and 409, 425 and 429.
 * Source: Gateway API HTTPRouteRetryStatusCode (500..599 are for all, single values of 400..499 may be supported); RFC
 * 8470 section 5.2 (425), RFC 6585 section 4 (429: the limit may be one endpoint's own).
 */
export function checkRetryStatus(value: unknown): Fault | null {
  const expected = `a status from 500 to 599, or ${RETRY_STATUSES_BELOW_500.join(', ')}`;
  if (typeof value !== 'number') return wrongType(expected, value, unquoted(value));
  const isServers = Number.isInteger(value) && value >= 500 && value <= 599;
  return isServers || RETRY_STATUSES_BELOW_500.includes(value) ? null : { kind: 'retryStatus', expected };
}

/** Statuses of a redirect. Source: RFC 9110 section 15.4; Gateway API HTTPRequestRedirectFilter. */
export const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/** The status of a redirect. */
export function checkRedirectStatus(value: unknown): Fault | null {
  const expected = `one of ${REDIRECT_STATUSES.join(', ')}`;
  if (typeof value !== 'number') return wrongType(expected, value, unquoted(value));
  return REDIRECT_STATUSES.includes(value) ? null : { kind: 'choice', expected };
}

/** The status of an answer of the gateway's own: a final one that says nothing of a form or of a kept copy. */
export function checkAnswerStatus(value: unknown): Fault | null {
  const expected = 'a status from 200 to 599 other than 205 and 304';
  if (typeof value !== 'number') return wrongType(expected, value, unquoted(value));
  const isFinal = Number.isInteger(value) && value >= 200 && value <= 599;
  return isFinal && value !== 205 && value !== 304 ? null : { kind: 'answerStatus', expected };
}

/** `auto` or a number of threads. */
export function checkWorkers(value: unknown): Fault | null {
  if (value === 'auto') return null;
  const expected = `auto or an integer from 1 to ${WORKERS_MAX}`;
  if (typeof value === 'string' && similarTo(value, ['auto']) !== null) {
    return { kind: 'choice', expected, hint: didYouMean('auto') };
  }
  const fault = integerBetween(1, WORKERS_MAX)(value);
  return fault === null ? null : { ...fault, expected };
}

/** JSON Schema of the number of workers. */
export const WORKERS_META = { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: WORKERS_MAX }] };

/** Most requests of a version under way in one worker. */
export const CONCURRENCY_MAX = 16_384;

/** `auto`, `off` or a number of requests. */
export function checkLimit(value: unknown): Fault | null {
  if (value === 'auto' || value === 'off') return null;
  const expected = `auto, off or an integer from 1 to ${CONCURRENCY_MAX}`;
  if (value === false || value === 0) return { kind: 'choice', expected, hint: didYouMean('off') };
  const near = typeof value === 'string' ? similarTo(value, ['auto', 'off']) : null;
  if (near !== null) return { kind: 'choice', expected, hint: didYouMean(near) };
  const fault = integerBetween(1, CONCURRENCY_MAX)(value);
  return fault === null ? null : { ...fault, expected };
}

/** JSON Schema of a limit. */
export const LIMIT_META = {
  anyOf: [{ enum: ['auto', 'off'] }, { type: 'integer', minimum: 1, maximum: CONCURRENCY_MAX }],
};

/** Text that would be a number without its quotes. */
function unquoted(value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '' || Number.isNaN(Number(value))) return '';
  return didYouMean(`${value.trim()}, without quotes`);
}
