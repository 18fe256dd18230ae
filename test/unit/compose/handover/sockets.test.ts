/** Sockets that were passed: who gave them, and who gets them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activatedSockets, dealerOf } from '#src/compose/handover/sockets.ts';
import type { PassedSockets } from '#src/model/threads/handover.ts';

const PASSED: PassedSockets = { host: '127.0.0.1', port: 0, isActivated: false, fds: [3, 4, 5] };
const nobody = (): Promise<number> => assert.fail('nothing is to be duplicated');
const ACTIVATED: PassedSockets = { ...PASSED, isActivated: true };

describe("a supervisor's sockets", () => {
  const of = (variables: Record<string, string>): ReturnType<typeof activatedSockets> =>
    activatedSockets({ LISTEN_PID: '42', ...variables }, 42);

  it('are those from descriptor 3 on, by their names', () => {
    assert.deepEqual(of({ LISTEN_FDS: '2' }), [
      { fd: 3, name: '' },
      { fd: 4, name: '' },
    ]);
    assert.deepEqual(of({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:admin' }), [
      { fd: 3, name: 'web' },
      { fd: 4, name: 'admin' },
    ]);
  });

  it('are not taken when they are meant for another process', () => {
    assert.deepEqual(activatedSockets({ LISTEN_PID: '41', LISTEN_FDS: '1' }, 42), []);
    assert.deepEqual(activatedSockets({ LISTEN_FDS: '1' }, 42), []);
  });

  it('must be counted', () => {
    for (const LISTEN_FDS of ['', '0', '-1', '99999', 'x']) {
      assert.throws(() => of({ LISTEN_FDS }), { code: 'SLU_LISTEN_FAILED' }, LISTEN_FDS);
    }
  });
});

describe('passed sockets', () => {
  it('are dealt evenly, once', async () => {
    const few = dealerOf(PASSED, 2, nobody);
    assert.deepEqual([await few(0), await few(1)], [[3, 5], [4]]);
    assert.deepEqual(await few(0), [], 'another life opens its own');
    const many = dealerOf(PASSED, 4, nobody);
    assert.deepEqual(await Promise.all([0, 1, 2, 3].map(many)), [[3], [4], [5], []]);
  });

  it('of a supervisor stay open, and every life of every worker gets duplicates of all', async () => {
    let next = 100;
    const dealer = dealerOf(ACTIVATED, 2, () => Promise.resolve(next++));
    assert.deepEqual(
      [await dealer(0), await dealer(1), await dealer(0)],
      [
        [100, 101, 102],
        [103, 104, 105],
        [106, 107, 108],
      ],
    );
  });
});
