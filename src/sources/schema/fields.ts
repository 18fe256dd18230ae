/**
 * Makes the fields of the document's schema: a check for the value, JSON Schema keywords and a description.
 *
 * What a single value must look like is decided by the checks of scalars/, which bring their own code and hint along.
 * Where one field of a mapping decides about another, a rule over the mapping says so.
 */

import { z } from 'zod';
import { type Check, type Fault, wrongType } from '../problems/fault.ts';
import type { Path } from '../problems/report.ts';
import { DURATION_META, durationBetween } from '../scalars/duration.ts';
import { checkBoolean, checkName, NAME_META, oneOf, TOKEN_META, tokenCalled } from '../scalars/http.ts';
import { checkRatio, checkShare, integerBetween, numberBetween, SIZE_META, sizeBetween } from '../scalars/number.ts';

/** JSON Schema keywords of a value, and what it means. */
export type Meta = Readonly<Record<string, unknown>>;

export const DAY_MS = 86_400_000;
export const MIB = 1024 * 1024;

/** A value that one check decides. Stops at the first fault: of a union, the branch that fits the type is reported. */
export function scalar<T>(check: Check, meta: Meta, description: string): z.ZodType<T, T> {
  const schema = z.unknown().superRefine((value, context) => {
    const fault = check(value);
    if (fault === null) return;
    context.addIssue({ code: 'custom', params: { fault }, message: fault.expected, continue: false });
  });
  return schema.meta({ ...meta, description }) as unknown as z.ZodType<T, T>;
}

/** A duration from `minMs` to `maxMs`, both included. */
export function duration(minMs: number, maxMs: number, description: string): z.ZodType<string, string> {
  return scalar<string>(durationBetween(minMs, maxMs), DURATION_META, description);
}

/** A size from `min` to `max` bytes, both included. */
export function size(min: number, max: number, description: string): z.ZodType<number | string, number | string> {
  return scalar<number | string>(sizeBetween(min, max), SIZE_META, description);
}

/** An integer from `min` to `max`, both included. */
export function integer(min: number, max: number, description: string): z.ZodType<number, number> {
  return scalar<number>(integerBetween(min, max), { type: 'integer', minimum: min, maximum: max }, description);
}

/** A real number from `min` to `max`, both included. */
export function real(min: number, max: number, description: string): z.ZodType<number, number> {
  return scalar<number>(numberBetween(min, max), { type: 'number', minimum: min, maximum: max }, description);
}

/** A ratio above 0 and below 1. */
export function ratio(description: string): z.ZodType<number, number> {
  return scalar<number>(checkRatio, { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, description);
}

/** A ratio from 0 to 1, both included. */
export function share(description: string): z.ZodType<number, number> {
  return scalar<number>(checkShare, { type: 'number', minimum: 0, maximum: 1 }, description);
}

/** True or false. */
export function flag(description: string): z.ZodType<boolean, boolean> {
  return scalar<boolean>(checkBoolean, { type: 'boolean' }, description);
}

/** One of a few words. */
export function word<const T extends string>(words: readonly T[], description: string): z.ZodType<T, T> {
  return scalar<T>(oneOf(words), { enum: words }, description);
}

/** The name of a route, service or version. */
export function name(description: string): z.ZodType<string, string> {
  return scalar<string>(checkName, NAME_META, description);
}

/** An HTTP token, called `what` in messages. */
export function token(what: string, description: string): z.ZodType<string, string> {
  return scalar<string>(tokenCalled(what), TOKEN_META, description);
}

/** Text whose form a rule of the mapping around it decides. */
export function text(what: string, description: string): z.ZodType<string, string> {
  const check: Check = (value) => {
    if (typeof value === 'string') return null;
    const isBare = typeof value === 'number' || typeof value === 'boolean';
    return wrongType(what, value, isBare ? 'put it in quotes' : '');
  };
  return scalar<string>(check, { type: 'string' }, description);
}

/** A map from names to `value`. Keys are strings by nature; the name check decides what they may hold. */
export function named<T extends z.ZodType>(value: T, description: string) {
  const key = z.string().superRefine((keyText, context) => {
    const fault = checkName(keyText);
    if (fault !== null) context.addIssue({ code: 'custom', params: { fault }, message: fault.expected });
  });
  return z.record(key.meta({ pattern: NAME_META.pattern }), value).meta({ description });
}

/** A fault of a part of a mapping; `path` from the mapping on. */
export interface PartFault {
  readonly path: Path;
  readonly fault: Fault;
}

/** A mapping with a rule over its fields. The rule is asked when all known fields are sound by themselves. */
export function withRule<T extends z.ZodObject>(
  schema: T,
  rule: (value: z.infer<T>) => readonly PartFault[],
  meta: Meta,
): T {
  const ruled = schema.superRefine((value, context) => {
    for (const { path, fault } of rule(value)) {
      context.addIssue({ code: 'custom', path: [...path], params: { fault }, message: fault.expected });
    }
  });
  return ruled.meta({ ...meta });
}

/**
 * A mapping whose `type` decides which one of several fields is there.
 * @param fields the field of each type
 */
export function byType<T extends z.ZodObject>(schema: T, fields: Readonly<Record<string, string>>): T {
  const pairs = Object.entries(fields);
  const rule = (value: Readonly<Record<string, unknown>>): PartFault[] =>
    pairs.flatMap(([type, field]) => companionFaults(type, field, value));
  const oneOf = pairs.map(([type, field]) => {
    const others = pairs.filter(([other]) => other !== type).map(([, name]) => [name, false] as const);
    return { properties: { type: { const: type }, ...Object.fromEntries(others) }, required: [field] };
  });
  return withRule(schema, rule, { oneOf });
}

function companionFaults(type: string, field: string, value: Readonly<Record<string, unknown>>): PartFault[] {
  const isThere = value[field] !== undefined;
  if ((value['type'] === type) === isThere) return [];
  if (!isThere) return [{ path: [field], fault: { kind: 'missing', expected: `${field}, which ${type} needs` } }];
  const hint = `${field} goes with type: ${type}`;
  return [
    {
      path: [field],
      fault: { kind: 'filterField', expected: `no ${field} beside type: ${String(value['type'])}`, hint },
    },
  ];
}

/** JSON Schema of a mapping whose field `value` looks different when `type` is RegularExpression. */
export function unlessPattern(pattern: Meta, otherwise: Meta): Meta {
  const type = { const: 'RegularExpression' };
  return {
    anyOf: [
      { properties: { type, value: pattern }, required: ['type'] },
      { properties: { type: { not: type }, value: otherwise } },
    ],
  };
}
