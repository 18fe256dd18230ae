import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { type FaultAt, faultsOf } from '#src/sources/problems/issues.ts';

const OWN = { kind: 'number', expected: 'five' } as const;
const five = z.unknown().superRefine((value, context) => {
  if (value !== 5) context.addIssue({ code: 'custom', params: { fault: OWN }, message: '', continue: false });
});
const key = z.string().superRefine((text, context) => {
  if (text === 'bad') context.addIssue({ code: 'custom', params: { fault: OWN }, message: '' });
});
const schema = z.strictObject({
  five: five.optional(),
  list: z.array(five).min(1).optional(),
  either: z.union([five, z.strictObject({ a: five })]).optional(),
  named: z.record(key, five).optional(),
});

function faults(value: Record<string, unknown>): FaultAt[] {
  const around = {
    valueAt: (path: readonly (string | number)[]) => value[String(path[0])],
    fieldsAt: () => ['five', 'list', 'either', 'named'],
  };
  return (schema.safeParse(value).error?.issues ?? []).flatMap((issue) => faultsOf(issue, around));
}

test('a check’s own fault comes out unchanged', () => {
  assert.deepEqual(faults({ five: 4 }), [{ path: ['five'], spot: 'value', fault: OWN }]);
});

test('each unknown key is a fault of its own at the key', () => {
  const found = faults({ fiv: 1, zzzzz: 2 });
  assert.deepEqual(
    found.map(({ path, spot, fault }) => [path[0], spot, fault.kind, fault.hint]),
    [
      ['fiv', 'key', 'unknownField', 'did you mean five?'],
      ['zzzzz', 'key', 'unknownField', ''],
    ],
  );
});

test('a union is reported by the branch that fits the value', () => {
  assert.deepEqual(
    faults({ either: 4 }).map(({ path }) => path),
    [['either']],
  );
  assert.deepEqual(
    faults({ either: { a: 4 } }).map(({ path }) => path),
    [['either', 'a']],
  );
  assert.deepEqual(
    faults({ either: { a: 5, b: 5 } }).map(({ path }) => path),
    [['either', 'b']],
  );
  assert.deepEqual(
    faults({ either: [] }).map(({ path }) => path),
    [['either']],
  );
});

test('a bad key of a map is shown itself', () => {
  const [found] = faults({ named: { bad: 5 } });
  assert.deepEqual([found?.path, found?.spot, found?.fault.got], [['named', 'bad'], 'key', '"bad"']);
});

test('wrong shapes and empty lists have words of their own', () => {
  assert.deepEqual(
    faults({ list: [] }).map(({ fault }) => fault.kind),
    ['emptyList'],
  );
  assert.deepEqual(
    faults({ list: 'a' }).map(({ fault }) => fault.hint),
    ['did you mean ["a"]?'],
  );
  assert.deepEqual(
    faults({ named: [] }).map(({ fault }) => fault.expected),
    ['a mapping'],
  );
});

test('a list that is too long is told how long it may be', () => {
  const [issue] = z.array(z.number()).max(2).safeParse([1, 2, 3]).error?.issues ?? [];
  assert.ok(issue !== undefined);
  const [found] = faultsOf(issue, { valueAt: () => [], fieldsAt: () => [] });
  assert.deepEqual(found?.fault, { kind: 'listTooLong', expected: 'at most 2 entries' });
});

test('a rule without a code is a mistake in the schema', () => {
  const [issue] = z.number().max(3).safeParse(4).error?.issues ?? [];
  assert.ok(issue !== undefined);
  assert.throws(() => faultsOf(issue, { valueAt: () => 4, fieldsAt: () => [] }), /no problem code/);
});
