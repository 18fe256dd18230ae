/**
 * Trace context: which `traceparent`, `tracestate` and B3 fields go upstream. Hot path.
 *
 * - One valid `traceparent` of version 00 passes with its `tracestate`, byte for byte: the gateway makes no span of its own.
 * - One of a later version is read as far as version 00 goes and sent on as version 00 with the flags known there.
 * - Anything else is replaced and its `tracestate` dropped: by what valid B3 fields say, else by fresh ids, not sampled.
 * - Valid B3 fields, single or multiple, pass; invalid ones are dropped. The single form goes before the multiple one.
 *
 * Where the gateway has spans of its own (`record/trace/tracer.ts`), `contextLines` takes the place of all of them.
 * Source: W3C Trace Context level 2, sections 3.2.1 to 3.2.4, 4.3; openzipkin/b3-propagation.
 */

import type { FieldTable } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';
import { spanOf, traceOf } from './fresh.ts';

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Of a version that is not known yet (ff is forbidden): more may follow behind another dash. */
const LATER = /^(?!ff|00)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
/** The flags of level 2: sampled, and a trace id that is random. */
const SAMPLED = 0x01;
const RANDOM = 0x02;
const KNOWN_FLAGS = SAMPLED | RANDOM;

const B3_TRACE = /^(?!0+$)(?:[0-9a-f]{16}){1,2}$/;
const B3_SPAN = /^(?!0{16})[0-9a-f]{16}$/;
const B3_SINGLE = /^([0-9a-f]{16}(?:[0-9a-f]{16})?)-([0-9a-f]{16})(?:-([01d])(?:-([0-9a-f]{16}))?)?$/;
const B3_MULTIPLE = [
  FIELD.xB3Traceid,
  FIELD.xB3Spanid,
  FIELD.xB3Parentspanid,
  FIELD.xB3Sampled,
  FIELD.xB3Flags,
] as const;

/** What B3 fields say: ids ready for a `traceparent`, or none when they only decide about sampling; null: they do not. */
interface B3 {
  readonly ids: string;
  readonly isSampled: boolean | null;
}

/** What a request says of the trace that it belongs to. */
export interface Incoming {
  /** Empty where it names none that is valid. */
  readonly traceId: string;
  readonly parentId: string;
  /** null: nothing is said of it. */
  readonly isSampled: boolean | null;
  /** Its trace id is random, as it says. */
  readonly isRandom: boolean;
}

/** A context to tell, and in which forms besides W3C's. */
export interface Outgoing {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  readonly isRandom: boolean;
  readonly hasB3: boolean;
  readonly hasB3Multiple: boolean;
}

/** Does the request say anything about a trace? Else the fresh lines are all it gets. */
export function bringsTrace(fields: FieldTable): boolean {
  return fields.seen(FIELD.traceparent) !== 0 || fields.seen(FIELD.tracestate) !== 0 || hasB3(fields);
}

/** Lines to add; drops what they replace. @param fresh lines with the ids that are used for what is missing. */
export function traceLines(fields: FieldTable, fresh: string): string {
  const b3 = hasB3(fields) ? readB3(fields) : null;
  if (fields.seen(FIELD.traceparent) === 1) {
    const trace = fields.value(FIELD.traceparent) as string;
    if (TRACEPARENT.test(trace)) return '';
    const later = asVersion00(trace);
    if (later !== '') {
      fields.drop(FIELD.traceparent);
      return `traceparent: ${later}\r\n`;
    }
  }
  fields.drop(FIELD.traceparent);
  fields.drop(FIELD.tracestate);
  const flags = b3?.isSampled === true ? '01' : '00';
  if (b3 !== null && b3.ids !== '') return `traceparent: 00-${b3.ids}-${flags}\r\n`;
  return `traceparent: 00-${traceOf(fresh)}-${spanOf(fresh)}-${flags}\r\n`;
}

/** What the request says. A valid `traceparent` goes before B3; what is not valid says nothing. */
export function incomingOf(fields: FieldTable): Incoming {
  const b3 = hasB3(fields) ? readB3(fields) : null;
  const trace = fields.seen(FIELD.traceparent) === 1 ? (fields.value(FIELD.traceparent) as string) : '';
  const valid = TRACEPARENT.test(trace) ? trace : asVersion00(trace);
  if (valid !== '') {
    const flags = Number.parseInt(valid.slice(53), 16);
    const isSampled = (flags & SAMPLED) !== 0;
    return { traceId: valid.slice(3, 35), parentId: valid.slice(36, 52), isSampled, isRandom: (flags & RANDOM) !== 0 };
  }
  const isSampled = b3 === null ? null : b3.isSampled;
  if (b3 === null || b3.ids === '') return { traceId: '', parentId: '', isSampled, isRandom: false };
  return { traceId: b3.ids.slice(0, 32), parentId: b3.ids.slice(33), isSampled, isRandom: false };
}

/** Lines that tell a context instead of what came; `tracestate` goes on where its `traceparent` was valid. */
export function contextLines(fields: FieldTable, came: Incoming, told: Outgoing): string {
  const isW3c = fields.seen(FIELD.traceparent) === 1 && came.traceId !== '' && isOf(fields, came);
  const hasSingle = told.hasB3 || fields.seen(FIELD.b3) > 0;
  const hasMultiple = told.hasB3Multiple || B3_MULTIPLE.some((id) => fields.seen(id) > 0);
  if (!isW3c) fields.drop(FIELD.tracestate);
  fields.drop(FIELD.traceparent);
  fields.drop(FIELD.b3);
  for (const id of B3_MULTIPLE) fields.drop(id);
  return linesOf(told, hasSingle, hasMultiple);
}

/** The same for a request that said nothing of a trace. */
export function linesOf(told: Outgoing, hasSingle: boolean, hasMultiple: boolean): string {
  const { traceId, spanId, isSampled, isRandom } = told;
  const flags = (isSampled ? SAMPLED : 0) | (isRandom ? RANDOM : 0);
  let lines = `traceparent: 00-${traceId}-${spanId}-0${flags}\r\n`;
  const digit = isSampled ? '1' : '0';
  if (hasSingle) lines += `b3: ${traceId}-${spanId}-${digit}\r\n`;
  if (hasMultiple) lines += `X-B3-TraceId: ${traceId}\r\nX-B3-SpanId: ${spanId}\r\nX-B3-Sampled: ${digit}\r\n`;
  return lines;
}

/** Is it the `traceparent` that says this? */
function isOf(fields: FieldTable, { traceId, parentId }: Incoming): boolean {
  return (fields.value(FIELD.traceparent) as string).slice(3, 52) === `${traceId}-${parentId}`;
}

/** A later version as version 00; empty when it is not valid. */
function asVersion00(trace: string): string {
  const later = LATER.exec(trace);
  if (later === null) return '';
  const flags = Number.parseInt(later[2] as string, 16) & KNOWN_FLAGS;
  return `00-${later[1]}-0${flags}`;
}

function hasB3(fields: FieldTable): boolean {
  if (fields.seen(FIELD.b3) > 0) return true;
  for (const id of B3_MULTIPLE) if (fields.seen(id) > 0) return true;
  return false;
}

/** What the valid form says, or null; the invalid one is dropped. */
function readB3(fields: FieldTable): B3 | null {
  const single = fields.seen(FIELD.b3) === 1 ? readSingle(fields.value(FIELD.b3) as string) : null;
  if (single === null) fields.drop(FIELD.b3);
  const multiple = readMultiple(fields);
  if (multiple === null) for (const id of B3_MULTIPLE) fields.drop(id);
  return single ?? multiple;
}

function readSingle(value: string): B3 | null {
  if (value === '0' || value === '1' || value === 'd') return { ids: '', isSampled: value !== '0' };
  const parts = B3_SINGLE.exec(value);
  if (parts === null) return null;
  const [, trace = '', span = '', sampling] = parts;
  if (!B3_TRACE.test(trace) || !B3_SPAN.test(span)) return null;
  const isSampled = sampling === undefined ? null : sampling !== '0';
  return { ids: `${trace.padStart(32, '0')}-${span}`, isSampled };
}

function readMultiple(fields: FieldTable): B3 | null {
  for (const id of B3_MULTIPLE) if (fields.seen(id) > 1) return null;
  const sampled = fields.value(FIELD.xB3Sampled);
  const flags = fields.value(FIELD.xB3Flags);
  // `true` and `false` are older than the specification, and still sent.
  if (sampled !== null && !/^(?:[01]|true|false)$/.test(sampled)) return null;
  if (flags !== null && flags !== '0' && flags !== '1') return null;
  const isDecided = sampled !== null || flags === '1';
  const isSampled = isDecided ? flags === '1' || sampled === '1' || sampled === 'true' : null;
  const trace = fields.value(FIELD.xB3Traceid);
  const span = fields.value(FIELD.xB3Spanid);
  const parent = fields.value(FIELD.xB3Parentspanid);
  if (trace === null && span === null && parent === null) return { ids: '', isSampled };
  if (trace === null || span === null || !B3_TRACE.test(trace) || !B3_SPAN.test(span)) return null;
  if (parent !== null && !B3_SPAN.test(parent)) return null;
  return { ids: `${trace.padStart(32, '0')}-${span}`, isSampled };
}
