/**
 * At which places two answers differ. Pure, and the same whichever of the two is first, but for what is told of it.
 *
 * Below a difference there are no others: of answers with different statuses only the status is compared, and nothing below values
 * of different types. Forms of bodies are `json`, `bytes` and `empty`.
 */

import type { DifferenceKind } from '../../../../model/threads/requests/compared.ts';
import type { Body, ReadAnswer } from './answer.ts';
import { pathTo } from './names.ts';
import { isEmptyList, type Shape, typeNames } from './shape.ts';

/** One place at which two answers differ. */
export interface Difference {
  readonly kind: DifferenceKind;
  readonly path: string;
  /** Of the first answer, and of the second: a status, `present`, types or a form; empty where there is only that it differs. */
  readonly from: string;
  readonly to: string;
}

/** By place: kind, a blank, path. */
export type Differences = Map<string, Difference>;

/** What there is where a place is not. */
const ABSENT: Shape = { types: 0, hash: 0, parts: null };

/** Cost: O(headers, places). */
export function differencesOf(one: ReadAnswer, other: ReadAnswer): Differences {
  const found: Differences = new Map();
  if (one.status !== other.status) {
    note(found, { kind: 'status', path: '', from: String(one.status), to: String(other.status) });
    return found;
  }
  compareHeaders(one.headers, other.headers, found);
  compareBodies(one.body, other.body, found);
  return found;
}

function compareHeaders(one: ReadAnswer['headers'], other: ReadAnswer['headers'], found: Differences): void {
  for (const name of new Set([...one.keys(), ...other.keys()])) {
    const [before, after] = [one.get(name), other.get(name)];
    if (before === after) continue;
    const isInBoth = before !== undefined && after !== undefined;
    const told = (hash: number | undefined): string => (isInBoth ? '' : hash === undefined ? 'absent' : 'present');
    note(found, { kind: 'header', path: name, from: told(before), to: told(after) });
  }
}

function compareBodies(one: Body, other: Body, found: Differences): void {
  if (one.form !== other.form) note(found, { kind: 'body', path: '', from: one.form, to: other.form });
  else if (one.form === 'json' && other.form === 'json') compareShapes('$', one.shape, other.shape, found);
  else if (one.form === 'bytes' && other.form === 'bytes' && (one.length !== other.length || one.hash !== other.hash)) {
    note(found, { kind: 'body', path: '', from: '', to: '' });
  }
}

function compareShapes(path: string, one: Shape, other: Shape, found: Differences): void {
  if (one.types !== other.types) {
    note(found, { kind: 'type', path, from: typeNames(one.types), to: typeNames(other.types) });
    return;
  }
  if (one.hash !== other.hash) note(found, { kind: 'value', path, from: '', to: '' });
  if (isEmptyList(one) || isEmptyList(other)) return;
  for (const name of new Set([...(one.parts?.keys() ?? []), ...(other.parts?.keys() ?? [])])) {
    const [before, after] = [one.parts?.get(name) ?? ABSENT, other.parts?.get(name) ?? ABSENT];
    compareShapes(pathTo(path, name), before, after, found);
  }
}

/** Of places with the same path, one that is cut, the first difference is told. */
function note(found: Differences, difference: Difference): void {
  const place = `${difference.kind} ${difference.path}`;
  if (!found.has(place)) found.set(place, difference);
}
