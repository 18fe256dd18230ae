/**
 * Trace context: which `traceparent`, `tracestate` and B3 fields go upstream. Hot path.
 *
 * - One valid `traceparent` of version 00 passes with its `tracestate`, byte for byte: the gateway makes no span of its own.
 * - One of a later version is read as far as version 00 goes and sent on as version 00 with the flags known there.
 * - Anything else is replaced and its `tracestate` dropped: by what valid B3 fields say, else by fresh ids, not sampled.
 * - Valid B3 fields, single or multiple, pass; invalid ones are dropped. The single form goes before the multiple one.
 * Source: W3C Trace Context level 2, sections 3.2.1 to 3.2.4, 4.3; openzipkin/b3-propagation.
 */

import type { FieldTable } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';
import { spanOf, traceOf } from './fresh.ts';

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Of a version that is not known yet (ff is forbidden): more may follow behind another dash. */
const LATER = /^(?!ff|00)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
/** Sampled and random trace id, the flags of level 2. */
const KNOWN_FLAGS = 0x03;

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

/** What B3 fields say: ids ready for a `traceparent`, or none when they only decide about sampling. */
interface B3 {
  readonly ids: string;
  readonly isSampled: boolean;
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
  return { ids: `${trace.padStart(32, '0')}-${span}`, isSampled: sampling === '1' || sampling === 'd' };
}

function readMultiple(fields: FieldTable): B3 | null {
  for (const id of B3_MULTIPLE) if (fields.seen(id) > 1) return null;
  const sampled = fields.value(FIELD.xB3Sampled);
  const flags = fields.value(FIELD.xB3Flags);
  // `true` and `false` are older than the specification, and still sent.
  if (sampled !== null && !/^(?:[01]|true|false)$/.test(sampled)) return null;
  if (flags !== null && flags !== '0' && flags !== '1') return null;
  const isSampled = flags === '1' || sampled === '1' || sampled === 'true';
  const trace = fields.value(FIELD.xB3Traceid);
  const span = fields.value(FIELD.xB3Spanid);
  const parent = fields.value(FIELD.xB3Parentspanid);
  if (trace === null && span === null && parent === null) return { ids: '', isSampled };
  if (trace === null || span === null || !B3_TRACE.test(trace) || !B3_SPAN.test(span)) return null;
  if (parent !== null && !B3_SPAN.test(parent)) return null;
  return { ids: `${trace.padStart(32, '0')}-${span}`, isSampled };
}
