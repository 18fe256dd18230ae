import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import type { Fault } from '#src/sources/problems/fault.ts';
import {
  byType,
  duration,
  flag,
  integer,
  name,
  named,
  ratio,
  real,
  scalar,
  share,
  size,
  text,
  token,
  unlessPattern,
  withRule,
  word,
} from '#src/sources/schema/fields.ts';

/** Paths and kinds of what is wrong with a value. */
function faults(schema: z.ZodType, value: unknown): string[] {
  const issues = schema.safeParse(value).error?.issues ?? [];
  return issues.map((issue) => {
    if (issue.code !== 'custom') return `${issue.path.join('.')} ${issue.code}`;
    const { fault } = issue.params as { readonly fault: Fault };
    return `${issue.path.join('.')} ${fault.kind}`;
  });
}

describe('a field', () => {
  test('takes what its check takes', () => {
    for (const [schema, good, bad, kind] of [
      [duration(1, 1000, ''), '1s', '2s', 'duration'],
      [size(1, 1024, ''), '1KiB', '2KiB', 'size'],
      [integer(1, 2, ''), 2, 3, 'number'],
      [real(1, 2, ''), 1.5, 2.5, 'number'],
      [ratio(''), 0.5, 1, 'ratio'],
      [share(''), 1, 1.5, 'share'],
      [flag(''), false, 'no', 'type'],
      [word(['a', 'b'], ''), 'b', 'c', 'choice'],
      [name(''), 'v1', '-', 'name'],
      [token('header name', ''), 'x-a', 'a b', 'headerName'],
      [text('some text', ''), '', 5, 'type'],
    ] as const) {
      assert.deepEqual(faults(schema, good), []);
      assert.deepEqual(faults(schema, bad), [` ${kind}`]);
      assert.deepEqual(faults(schema, undefined), [' missing']);
    }
  });

  test('has its keywords and its description in JSON Schema', () => {
    const schema = z.toJSONSchema(scalar<number>(() => null, { type: 'integer', minimum: 1 }, 'Some number'));
    assert.deepEqual([schema.type, schema.minimum, schema.description], ['integer', 1, 'Some number']);
  });

  test('of names has their check on every key', () => {
    const schema = named(flag(''), '');
    assert.deepEqual(faults(schema, { a: true }), []);
    assert.deepEqual(faults(schema, { 'a b': true }), ['a b invalid_key']);
  });
});

describe('a mapping with a rule', () => {
  const rule = ({ a, b }: { a: number; b: number }) =>
    a <= b ? [] : [{ path: ['b'], fault: { kind: 'number', expected: 'b at or above a' } as const }];
  const schema = withRule(z.strictObject({ a: integer(0, 9, ''), b: integer(0, 9, '') }), rule, { title: 'pair' });

  test('is judged by it when every field is sound', () => {
    assert.deepEqual(faults(schema, { a: 1, b: 2 }), []);
    assert.deepEqual(faults(schema, { a: 2, b: 1 }), ['b number']);
    assert.deepEqual(faults(z.strictObject({ in: z.array(schema) }), { in: [{ a: 2, b: 1 }] }), ['in.0.b number']);
  });

  test('is not judged while a field is wrong, and is beside an unknown one', () => {
    assert.deepEqual(faults(schema, { a: 10, b: 1 }), ['a number']);
    assert.deepEqual(faults(schema, { a: 2, b: 1, c: 1 }), [' unrecognized_keys', 'b number']);
  });

  test('keeps its fields for hints, and has its keywords in JSON Schema', () => {
    assert.deepEqual(Object.keys(schema.shape), ['a', 'b']);
    assert.equal(z.toJSONSchema(schema).title, 'pair');
  });
});

describe('a mapping by type', () => {
  const fields = { A: 'a', B: 'b' };
  const shape = { type: word(['A', 'B'], ''), a: flag('').optional(), b: flag('').optional() };
  const schema = byType(z.strictObject(shape), fields);

  test('has the field of its type and no other', () => {
    assert.deepEqual(faults(schema, { type: 'A', a: true }), []);
    assert.deepEqual(faults(schema, { type: 'A' }), ['a missing']);
    assert.deepEqual(faults(schema, { type: 'A', a: true, b: true }), ['b filterField']);
    assert.deepEqual(faults(schema, { type: 'B', a: true }), ['a filterField', 'b missing']);
    assert.deepEqual(faults(schema, { type: 'C', a: true }), ['type choice']);
  });

  test('says so in JSON Schema', () => {
    assert.deepEqual(z.toJSONSchema(schema, { io: 'input' }).oneOf, [
      { properties: { type: { const: 'A' }, b: false }, required: ['a'] },
      { properties: { type: { const: 'B' }, a: false }, required: ['b'] },
    ]);
  });
});

test('JSON Schema looks at the value as the type says', () => {
  const type = { const: 'RegularExpression' };
  assert.deepEqual(unlessPattern({ maxLength: 1 }, { pattern: 'a' })['anyOf'], [
    { properties: { type, value: { maxLength: 1 } }, required: ['type'] },
    { properties: { type: { not: type }, value: { pattern: 'a' } } },
  ]);
});
