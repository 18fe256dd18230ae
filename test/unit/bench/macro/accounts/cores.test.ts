import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCores, readCores } from '../../../../../bench/macro/accounts/cores.ts';

const TEXT = 'cpu  1 1 1 1\ncpu0 100 1 50 800 50 2 3 7 0 0\ncpu1 10 0 5 80 5 0 0 1 9 0\n';

describe('core accounting', () => {
  test('counts neither idle time nor waiting nor stolen time as busy', () => {
    assert.deepEqual(parseCores(TEXT, [0]), { busy: 156, steal: 7 });
  });

  test('adds cores up, and none to nothing', () => {
    assert.deepEqual(parseCores(TEXT, [0, 1]), { busy: 171, steal: 8 });
    assert.deepEqual(parseCores(TEXT, []), { busy: 0, steal: 0 });
  });

  test('refuses a core that is not there', () => {
    assert.throws(() => parseCores(TEXT, [7]), /no cpu7/);
  });

  test('can read this machine', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
    assert.ok(parseCores(readCores(), [0]).busy > 0);
  });
});
