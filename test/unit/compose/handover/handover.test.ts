/** The old process's side on virtual time, with a successor that is not there. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Handover } from '#src/compose/handover/handover.ts';
import { ENDING_MS, RESUMING_MS } from '#src/compose/handover/machine.ts';
import { partsOf } from '#src/compose/handover/parts.ts';
import type { Sockets, SuccessorEvents } from '#src/compose/handover/successor.ts';
import type { PassedTickets, ToSuccessor } from '#src/model/threads/handover.ts';
import type { PassedState } from '#src/model/threads/state.ts';

const ADDRESS = { host: '127.0.0.1', port: 0, isActivated: false };
const SOCKETS: Sockets = { proxy: { ...ADDRESS, fds: [20] }, admin: { ...ADDRESS, fds: [21] }, others: [] };
const BUDGET = { format: 1, bytes: new Uint8Array([1]), at: 'now' };
const UNWRITTEN = { decisions: [], segments: [], segmentsLost: new Map() };
const STATE: PassedState = {
  budgets: new Map([['route/shop', BUDGET]]),
  rollouts: [],
  decisions: [],
  unwritten: UNWRITTEN,
  isPartial: false,
};

/** Lets what waits for a fulfilled promise happen. */
async function settled(): Promise<void> {
  for (let n = 0; n < 5; n++) await Promise.resolve();
}

class Rig {
  nowMs = 0;
  readonly done: string[] = [];
  readonly sent: ToSuccessor[] = [];
  readonly events: string[] = [];
  successor: SuccessorEvents | null = null;
  /** What the successor does not find in its directory; null: it finds everything. */
  saved: PassedState | null = null;
  /** What saving and resuming throw. */
  defect: Error | null = null;
  /** What passing what was saved throws. */
  unpassable: Error | null = null;
  tickets: PassedTickets | null = null;
  #timer: { readonly atMs: number; due(): void } | null = null;
  readonly handover: Handover;

  constructor(start: (() => never) | null = null) {
    const log = (event: string): void => void this.events.push(event);
    this.handover = new Handover({
      log: { info: log, warn: log, error: log },
      limits: { prepareMs: 1000, takeMs: 500 },
      nowMs: () => this.nowMs,
      wallTime: () => 'now',
      setTimer: (ms, due) => {
        const timer = { atMs: this.nowMs + ms, due };
        this.#timer = timer;
        return () => {
          if (this.#timer === timer) this.#timer = null;
        };
      },
      startSuccessor: (_sockets, events) => {
        start?.();
        this.successor = events;
        return {
          pid: 7,
          send: (message) => void this.sent.push(message),
          kill: () => void this.done.push('kill'),
          release: () => void this.done.push('release'),
        };
      },
      save: (directory) => {
        this.done.push(`save for ${directory}`);
        const passed = (): PassedState => {
          if (this.unpassable !== null) throw this.unpassable;
          return this.saved ?? STATE;
        };
        const suspended = { isInDirectory: this.saved === null, passed };
        return this.defect === null ? Promise.resolve(suspended) : Promise.reject(this.defect);
      },
      tickets: () => this.tickets,
      resume: () => {
        this.done.push('resume');
        return this.defect === null ? Promise.resolve() : Promise.reject(this.defect);
      },
      leave: () => void this.done.push('leave'),
    });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    const timer = this.#timer;
    if (timer === null || timer.atMs > this.nowMs) return;
    this.#timer = null;
    timer.due();
  }

  prepare(stateDirectory: string | null = '/state'): Promise<void> {
    this.handover.begin(SOCKETS, 'SIGUSR2');
    this.successor?.heard({ v: 1, kind: 'prepared', stateDirectory });
    return settled();
  }
}

describe('a hand-over', () => {
  it('saves, gives and leaves, and nothing is decided from the saving on', async () => {
    const rig = new Rig();
    assert.deepEqual(rig.handover.begin(SOCKETS, 'api'), {
      kind: 'begun',
      pid: 7,
      limitMs: 1500 + ENDING_MS + RESUMING_MS,
    });
    assert.deepEqual([rig.handover.status().state, rig.handover.isHeld], ['preparing', false]);
    rig.successor?.heard({ v: 1, kind: 'prepared', stateDirectory: '/state' });
    assert.ok(rig.handover.isHeld);
    await settled();
    assert.deepEqual(rig.sent, [{ v: 1, kind: 'take', isInDirectory: true, canGive: true }]);
    assert.equal(rig.handover.status().state, 'taking');
    rig.successor?.heard({ v: 1, kind: 'serving' });
    assert.deepEqual(rig.done, ['save for /state', 'release', 'leave']);
    assert.deepEqual(rig.events, ['restart_begun', 'restarted']);
    rig.successor?.exited('it ended with code 0');
    rig.pass(60_000);
    assert.deepEqual([rig.handover.status().state, rig.handover.isHeld], ['left', true]);
  });

  it('gives what no file holds, before it says take', async () => {
    const rig = new Rig();
    rig.saved = STATE;
    await rig.prepare(null);
    assert.deepEqual(
      rig.sent.map(({ kind }) => kind),
      ['part', 'take'],
    );
    assert.deepEqual(rig.sent[1], { v: 1, kind: 'take', isInDirectory: false, canGive: true });
  });

  it('gives everything to a successor that does not find it, and only while that may take it', async () => {
    const rig = new Rig();
    rig.handover.begin(SOCKETS, 'SIGUSR2');
    rig.successor?.heard({ v: 1, kind: 'unread' });
    assert.deepEqual(rig.sent, []);
    rig.successor?.heard({ v: 1, kind: 'prepared', stateDirectory: '/state' });
    await settled();
    rig.successor?.heard({ v: 1, kind: 'unread' });
    assert.deepEqual(rig.sent.slice(1), [
      ...partsOf(STATE).map((part) => ({ v: 1, kind: 'part', part })),
      { v: 1, kind: 'given' },
    ]);
    assert.ok(rig.events.includes('state_given'));
  });

  it('has the successor drain when this process is told to end and that one may serve already', async () => {
    const rig = new Rig();
    await rig.prepare();
    let isStopped = false;
    void rig.handover.stop('the end').then(() => {
      isStopped = true;
    });
    void rig.handover.stop('the end');
    assert.deepEqual(rig.sent.slice(1), [{ v: 1, kind: 'end' }]);
    rig.successor?.heard({ v: 1, kind: 'serving' });
    await settled();
    assert.deepEqual([isStopped, rig.done], [true, ['save for /state', 'release', 'leave']]);
  });

  it('ends for a worker that dies while the successor gets ready, and not when that is about to serve', async () => {
    const rig = new Rig();
    rig.handover.crippled('nothing is under way');
    rig.handover.begin(SOCKETS, 'api');
    rig.handover.crippled('worker 1 died');
    rig.successor?.exited('it ended by SIGKILL');
    assert.deepEqual([rig.done, rig.handover.status().lastFailure?.because], [['kill'], 'worker 1 died']);
    await rig.prepare();
    rig.handover.crippled('worker 1 died');
    assert.equal(rig.handover.status().state, 'taking');
  });

  it('gives what tickets are sealed with, with the word take', async () => {
    const rig = new Rig();
    rig.tickets = { base64: 'AAAA', leftMs: 1 };
    await rig.prepare();
    assert.deepEqual(rig.sent, [{ v: 1, kind: 'take', isInDirectory: true, canGive: true, tickets: rig.tickets }]);
  });

  it('that takes too long ends the successor, waits for its end, and decides again', async () => {
    const rig = new Rig();
    await rig.prepare();
    rig.pass(499);
    assert.deepEqual(rig.done, ['save for /state']);
    rig.pass(1);
    assert.deepEqual(rig.done.slice(1), ['kill']);
    assert.ok(rig.handover.isHeld);
    rig.successor?.exited('it ended by SIGKILL');
    await settled();
    assert.deepEqual(rig.done.slice(2), ['resume']);
    assert.equal(rig.handover.isHeld, false);
    const lastFailure = { at: 'now', because: 'it did not take over within 0.5 s' };
    assert.deepEqual(rig.handover.status(), { state: 'none', failures: 1, lastFailure });
  });

  it('whose state cannot be saved, nor taken back, leaves this process deciding', async () => {
    const rig = new Rig();
    rig.defect = new TypeError('odd');
    await rig.prepare();
    assert.deepEqual([rig.done, rig.sent], [['save for /state', 'kill'], []]);
    rig.successor?.exited('it ended by SIGKILL');
    await settled();
    assert.deepEqual([rig.done.at(-1), rig.handover.isHeld], ['resume', false]);
    assert.deepEqual(rig.events, ['restart_begun', 'resume_failed', 'restart_failed']);
    assert.match(
      rig.handover.status().lastFailure?.because ?? '',
      /^its state could not be handed over: TypeError: odd$/,
    );
    assert.equal(rig.handover.begin(SOCKETS, 'api').kind, 'begun');
  });

  it('whose state cannot be passed on fails, and leaves this process deciding', async () => {
    const rig = new Rig();
    rig.unpassable = new TypeError('odd');
    rig.saved = STATE;
    await rig.prepare();
    assert.deepEqual([rig.done, rig.sent], [['save for /state', 'kill'], []]);
    rig.successor?.exited('it ended by SIGKILL');
    await settled();
    rig.saved = null;
    await rig.prepare();
    rig.successor?.heard({ v: 1, kind: 'unread' });
    assert.deepEqual([rig.done.at(-1), rig.sent.map(({ kind }) => kind)], ['kill', ['take']]);
  });

  it('is refused while one is under way, and may be tried again after a failure', async () => {
    const rig = new Rig();
    rig.handover.begin(SOCKETS, 'api');
    assert.equal(rig.handover.begin(SOCKETS, 'api').kind, 'refused');
    rig.successor?.exited('it ended with code 1');
    assert.equal(rig.handover.begin(SOCKETS, 'api').kind, 'begun');
  });

  it('that cannot even begin is a failure', () => {
    const rig = new Rig(() => {
      throw new Error('EAGAIN');
    });
    assert.deepEqual(rig.handover.begin(SOCKETS, 'api'), {
      kind: 'refused',
      detail: 'it could not be started: EAGAIN',
    });
    assert.equal(rig.handover.status().failures, 1);
  });

  it('is stopped in order, and there may be none to stop', async () => {
    const rig = new Rig();
    await rig.handover.stop('the end');
    rig.handover.begin(SOCKETS, 'api');
    rig.successor?.heard({ v: 1, kind: 'prepared', stateDirectory: '/state' });
    let isStopped = false;
    void rig.handover.stop('the end').then(() => {
      isStopped = true;
    });
    await settled();
    assert.deepEqual([isStopped, rig.done.at(-1)], [false, 'kill']);
    rig.successor?.exited('it ended by SIGKILL');
    await settled();
    assert.deepEqual([isStopped, rig.done.at(-1)], [true, 'resume']);
    assert.equal(rig.handover.status().lastFailure?.because, 'the end');
  });
});
