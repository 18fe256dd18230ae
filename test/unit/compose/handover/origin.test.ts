/** Where a process comes from. */

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { originOf } from '#src/compose/handover/origin.ts';

const alone = Object.assign(new EventEmitter(), { ppid: 42, connected: true });

const unheard = (): void => assert.fail('nobody says anything');
const DEPS = { channel: alone, pid: 43, events: { orphaned: unheard, ended: unheard } };

describe('a process', () => {
  it('that nobody passed anything to starts anew', () => {
    assert.deepEqual(originOf({}, DEPS), { heir: null, activated: [], proxy: null, admin: null, others: [] });
  });

  it('takes what a supervisor passed, and leaves no trace of it to those it starts', () => {
    const env: Record<string, string> = { LISTEN_PID: '43', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web', PATH: '/bin' };
    const { heir, activated, proxy } = originOf(env, DEPS);
    assert.deepEqual([heir, activated, proxy], [null, [{ fd: 3, name: 'web' }], null]);
    assert.deepEqual(env, { PATH: '/bin' });
  });

  it('takes over from the gateway that started it', () => {
    const sockets = { host: '127.0.0.1', port: 0, isActivated: false, fds: [3] };
    const passed = { v: 1, parent: 42, proxy: sockets, admin: { ...sockets, fds: [4] } };
    const env: Record<string, string> = { SLUICE_HANDOVER: JSON.stringify(passed) };
    const { heir, proxy, admin } = originOf(env, DEPS);
    assert.deepEqual([heir?.predecessor, proxy, admin?.fds], [42, sockets, [4]]);
    assert.deepEqual(env, {});
  });

  it("is handed a supervisor's sockets on, by their names, which earlier releases did not pass", () => {
    const own = { host: '127.0.0.1', port: 0, isActivated: false, fds: [3] };
    const of = (...fds: number[]) => ({ ...own, isActivated: true, fds });
    const passed = {
      v: 1,
      parent: 42,
      proxy: of(4, 5),
      admin: of(6),
      others: [own, { ...of(7, 8), names: ['web', ''] }],
    };
    const env: Record<string, string> = { SLUICE_HANDOVER: JSON.stringify(passed) };
    const { activated, proxy, admin, others } = originOf(env, DEPS);
    assert.deepEqual(
      activated.map(({ fd, name }) => `${fd} ${name}`),
      ['4 listen', '5 listen', '6 admin', '7 web', '8 '],
    );
    assert.deepEqual([proxy, admin, others], [null, null, [own]]);
  });
});
