/**
 * What a JSON text is made of: at each path the types that stand there and a hash of the values, no value itself.
 *
 * All elements of a list are one place, whose types are the union of theirs; so are members whose keys are no names (`names.ts`).
 * Numbers are compared as JavaScript has them (1 and 1.0 are the same), of a key that stands twice the last one counts, and the
 * order of keys does not matter. A place's hash is over its values in the order of the document, and of the keys of unnamed members
 * sorted. Two values can have the same hash, one pair in 2^32.
 * Bounded: `VALUES_MAX` values, `PATHS_MAX` places, `DEPTH_MAX` levels; a text with more has no shape.
 * Source: RFC 8259; Google, "Diffy" (2015), for the idea of comparing answers by place.
 */

import { hash32, mix32 } from '../../../../lib/hash.ts';
import { ANY_NAME, ELEMENTS, nameOf } from './names.ts';

export const VALUES_MAX = 20_000;
export const PATHS_MAX = 2000;
export const DEPTH_MAX = 32;

/** Bits of `Shape.types`, in the order in which they are named. */
const TYPES = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const;
const ARRAY = 1 << TYPES.indexOf('array');
const OBJECT = 1 << TYPES.indexOf('object');

/** One place. */
export interface Shape {
  /** Types of the values that stand there; 0 of a place that there is not. */
  types: number;
  hash: number;
  /** Members and elements (`ELEMENTS`) by name; null without any. */
  parts: Map<string, Shape> | null;
}

interface Budget {
  values: number;
  paths: number;
}

/** The shape of a value that was read from JSON; null when it has more than is looked at. Cost: O(values, characters). */
export function shapeOf(value: unknown): Shape | null {
  const shape = newShape();
  return add(shape, value, 0, { values: VALUES_MAX, paths: PATHS_MAX }) ? shape : null;
}

/** `number`, `null|string`; `absent` of none. */
export function typeNames(types: number): string {
  return TYPES.filter((_, bit) => (types & (1 << bit)) !== 0).join('|') || 'absent';
}

/** May there be elements, or members? An empty list says nothing about its elements. */
export function isEmptyList(shape: Shape): boolean {
  return shape.types === ARRAY && shape.parts === null;
}

function newShape(): Shape {
  return { types: 0, hash: 0, parts: null };
}

function add(shape: Shape, value: unknown, depth: number, budget: Budget): boolean {
  if (--budget.values < 0 || depth > DEPTH_MAX) return false;
  if (Array.isArray(value)) return addElements(shape, value, depth, budget);
  if (typeof value === 'object' && value !== null) return addMembers(shape, value, depth, budget);
  const type = value === null ? 'null' : (typeof value as 'boolean' | 'number' | 'string');
  shape.types |= 1 << TYPES.indexOf(type);
  mix(shape, hash32(`${type[0]}${String(value)}`));
  return true;
}

function addElements(shape: Shape, list: readonly unknown[], depth: number, budget: Budget): boolean {
  shape.types |= ARRAY;
  mix(shape, list.length);
  if (list.length === 0) return true;
  const elements = partOf(shape, ELEMENTS, budget);
  return elements !== null && list.every((element) => add(elements, element, depth + 1, budget));
}

function addMembers(shape: Shape, object: object, depth: number, budget: Budget): boolean {
  shape.types |= OBJECT;
  const keys = Object.keys(object);
  if (keys.length > budget.values) return false;
  const unnamed = keys.filter((key) => nameOf(key) === ANY_NAME).toSorted();
  const named = unnamed.length === 0 ? keys : keys.filter((key) => nameOf(key) !== ANY_NAME);
  for (const key of [...named, ...unnamed]) {
    const part = partOf(shape, nameOf(key), budget);
    if (part === null || !add(part, (object as Record<string, unknown>)[key], depth + 1, budget)) return false;
  }
  for (const key of unnamed) mix(shape, hash32(key));
  return true;
}

function partOf(shape: Shape, name: string, budget: Budget): Shape | null {
  shape.parts ??= new Map();
  let part = shape.parts.get(name);
  if (part === undefined) {
    if (--budget.paths < 0) return null;
    part = newShape();
    shape.parts.set(name, part);
  }
  return part;
}

function mix(shape: Shape, hash: number): void {
  shape.hash = mix32(Math.imul(shape.hash, 31) + hash);
}
