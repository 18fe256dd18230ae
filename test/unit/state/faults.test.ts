import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DamagedError, faultOf } from '#src/state/faults.ts';

test('only what says that the content is damaged is corrupt', () => {
  const sqlite = (errcode: number): Error => Object.assign(new Error('no'), { errcode });
  for (const code of [11, 26, 11 | (2 << 8)]) assert.equal(faultOf(sqlite(code)).kind, 'corrupt', String(code));
  for (const code of [5, 8, 10, 13, 14, 10 | (3 << 8)])
    assert.equal(faultOf(sqlite(code)).kind, 'unavailable', String(code));
  assert.deepEqual(faultOf(new DamagedError('torn')), { kind: 'corrupt', because: 'torn' });
  assert.deepEqual(faultOf('odd'), { kind: 'unavailable', because: 'odd' });
});
