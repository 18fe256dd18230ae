import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { list, object, ref, TEXT } from '#src/admin/api/schemas.ts';

suite('schemas', () => {
  test('members are required unless they are optional', () => {
    assert.deepEqual(object({ a: TEXT, b: TEXT }, ['b']), {
      type: 'object',
      properties: { a: TEXT, b: TEXT },
      required: ['a'],
    });
    assert.deepEqual(object({ a: TEXT }, ['a']), { type: 'object', properties: { a: TEXT } });
    assert.deepEqual(list(ref('Slo')), { type: 'array', items: { $ref: '#/components/schemas/Slo' } });
  });
});
