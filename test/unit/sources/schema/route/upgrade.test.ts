import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../../support/config.ts';

const withUpgrade = (fields: string): string => `${SOUND}    upgrade: {${fields}}\n`;

test('how upgraded connections end is kept as far as it is not the default', () => {
  const upgradeOf = (fields: string) => configOf(withUpgrade(fields)).routes[0]?.upgrade;
  const plain = { protocols: ['websocket'], onRollback: 'close' };
  assert.deepEqual(upgradeOf('closeAfter: 0s, closeCode: 1001, abnormal: ignore'), plain);
  assert.deepEqual(upgradeOf('closeAfter: 1m, closeCode: 1012, abnormal: bad'), {
    ...plain,
    closeAfterMs: 60_000,
    closeCode: 1012,
    abnormal: 'bad',
  });
});

test('a status that says something else, and a time for what is kept, are refused', () => {
  assertProblem(withUpgrade('closeCode: «1011'), 'SLU1023', '');
  assertProblem(withUpgrade('closeCode: «"1001"'), 'SLU1023', '');
  assertProblem(withUpgrade('onRollback: keep, closeAfter: «1s'), 'SLU1192', '');
  assertProblem(withUpgrade('closeAfter: «2h'), 'SLU1030', '');
});
