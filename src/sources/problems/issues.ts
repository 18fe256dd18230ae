/**
 * Translates what zod found into faults of this project: code, expected, hint.
 *
 * Checks of single values travel as `params.fault` of a custom issue and come out unchanged. A union is reported by the
 * branch that fits the type of the value: a mapping by its fields, a list by its entries, anything else by the text form.
 */

import type { z } from 'zod';
import { similarTo } from '../../lib/text/similar.ts';
import { didYouMean, type Fault, quote, wrongType } from './fault.ts';
import type { Path, Spot } from './report.ts';

type Issue = z.core.$ZodIssue;

/** A fault and the value or key it is about. */
export interface FaultAt {
  readonly path: Path;
  readonly spot: Spot;
  readonly fault: Fault;
}

/** What the translation has to know of the document and its schema. */
export interface Surroundings {
  valueAt(path: Path): unknown;
  /** Names of the fields that the object at a path may have. */
  fieldsAt(path: Path): string[];
}

/** The faults of one issue; one of them per unknown key. `prefix`: the path that the issue's own path starts from. */
export function faultsOf(issue: Issue, around: Surroundings, prefix: Path = []): FaultAt[] {
  const path = [...prefix, ...(issue.path as Path)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField(key, path, around));
    case 'invalid_union': {
      const branch = branchFor(around.valueAt(path), issue.errors);
      return branch.flatMap((inner) => faultsOf(inner, around, path));
    }
    case 'invalid_key':
      return issue.issues.map((inner) => ({ path, spot: 'key', fault: { ...ownFault(inner), got: keyShown(path) } }));
    case 'too_small':
      return [{ path, spot: 'value', fault: tooShort(issue.minimum) }];
    case 'too_big':
      return [{ path, spot: 'value', fault: issue.origin === 'array' ? tooLong(issue.maximum) : ownFault(issue) }];
    case 'invalid_type':
      return [{ path, spot: 'value', fault: shapeFault(issue.expected, around.valueAt(path)) }];
    default:
      return [{ path, spot: 'value', fault: ownFault(issue) }];
  }
}

/** The text form comes first in every union, a mapping or a list second; a list is not told of a mapping's fields. */
function branchFor(value: unknown, [text = [], collection = []]: readonly Issue[][]): readonly Issue[] {
  if (typeof value !== 'object' || value === null) return text;
  const [first] = collection;
  const isOther = first !== undefined && first.code === 'invalid_type' && first.path.length === 0;
  return Array.isArray(value) && isOther ? text : collection;
}

function unknownField(key: string, parent: Path, around: Surroundings): FaultAt {
  const known = around.fieldsAt(parent);
  const similar = similarTo(key, known);
  const isMerge = key === '<<';
  const near = similar === null ? '' : didYouMean(similar);
  const hint = isMerge ? 'merge keys are not part of YAML 1.2: alias the whole value instead' : near;
  const expected = known.length > 12 ? 'a known field' : `one of ${known.join(', ')}`;
  return { path: [...parent, key], spot: 'key', fault: { kind: 'unknownField', expected, got: quote(key), hint } };
}

function shapeFault(expected: string, value: unknown): Fault {
  if (expected !== 'array') return wrongType('a mapping', value);
  const isScalar = typeof value === 'string' || typeof value === 'number';
  return wrongType('a list', value, isScalar ? didYouMean(`[${JSON.stringify(value)}]`) : '');
}

function tooShort(min: number | bigint): Fault {
  return { kind: 'emptyList', expected: min > 1 ? `at least ${min} entries` : 'at least one entry' };
}

function tooLong(max: number | bigint): Fault {
  return { kind: 'listTooLong', expected: `at most ${max} entries` };
}

function keyShown(path: Path): string {
  return quote(String(path.at(-1) ?? ''));
}

/** The fault that a check of ours attached. An issue without one means that the schema has a rule without a code. */
function ownFault(issue: Issue): Fault {
  const fault = issue.code === 'custom' ? (issue.params?.['fault'] as Fault | undefined) : undefined;
  if (fault === undefined) throw new Error(`schema: the rule ${issue.code} has no problem code`);
  return fault;
}
