/** The successor's side: what it was passed, what it says, what it waits for. */

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { type Channel, Heir, type HeirEvents, passedTo } from '#src/compose/handover/heir.ts';
import { partsOf } from '#src/compose/handover/parts.ts';
import type { FromSuccessor, Passed } from '#src/model/threads/handover.ts';

const SOCKETS = { host: '127.0.0.1', port: 0, isActivated: false, fds: [3] };
const PASSED: Passed = { v: 1, parent: 42, proxy: SOCKETS, admin: { ...SOCKETS, fds: [4] } };
const UNWRITTEN = { decisions: [], segments: [], segmentsLost: new Map() };
const NOTHING = { budgets: new Map(), rollouts: [], decisions: [], unwritten: UNWRITTEN, isPartial: false };

class FakeChannel extends EventEmitter implements Channel {
  readonly ppid = 42;
  connected = true;
  readonly said: FromSuccessor[] = [];

  send(message: FromSuccessor, sent: () => void): void {
    this.said.push(message);
    sent();
  }

  disconnect(): void {
    this.connected = false;
  }
}

const unheard = (): void => assert.fail('it was asked for its state, or needs none');
const UNHEARD: HeirEvents = { orphaned: unheard, ended: unheard };

const env = (passed: unknown): Record<string, string> => ({ SLUICE_HANDOVER: JSON.stringify(passed) });

describe('what was passed', () => {
  it('is read when the process that started this one passed it', () => {
    assert.deepEqual(passedTo(env(PASSED), new FakeChannel()), PASSED);
  });

  it("is nobody's when it is another process's, or there is no channel", () => {
    assert.equal(passedTo({}, new FakeChannel()), null);
    assert.equal(passedTo(env({ ...PASSED, parent: 41 }), new FakeChannel()), null);
    const alone = new FakeChannel();
    alone.connected = false;
    assert.equal(passedTo(env(PASSED), alone), null);
  });

  it('is refused when it is of another version, or no JSON', () => {
    assert.throws(() => passedTo(env({ v: 2 }), new FakeChannel()), { code: 'SLU_RESTART_FAILED' });
    assert.throws(() => passedTo(env(null), new FakeChannel()), { code: 'SLU_RESTART_FAILED' });
    assert.throws(() => passedTo({ SLUICE_HANDOVER: '{' }, new FakeChannel()), { code: 'SLU_RESTART_FAILED' });
  });
});

describe('an heir', () => {
  it('says that it could serve, and gets the state that no file holds', async () => {
    const channel = new FakeChannel();
    const taken = new Heir(PASSED, channel, UNHEARD).prepared('/var/lib/sluice');
    assert.deepEqual(channel.said, [{ v: 1, kind: 'prepared', stateDirectory: '/var/lib/sluice' }]);
    const budget = { format: 1, bytes: new Uint8Array([1]), at: 'now' };
    const state = { ...NOTHING, budgets: new Map([['route/shop/availability', budget]]) };
    for (const part of partsOf(state)) channel.emit('message', { v: 1, kind: 'part', part });
    channel.emit('message', { v: 1, kind: 'take', isInDirectory: false });
    const given = await taken;
    assert.deepEqual([given.state, given.tickets, await given.ask()], [state, null, null]);
    assert.deepEqual(channel.said.slice(1), [], 'an older process would not understand it');
    assert.equal(channel.listenerCount('disconnect'), 0);
  });

  it('is told that everything is in the directory, and what tickets are sealed with', async () => {
    const channel = new FakeChannel();
    const taken = new Heir(PASSED, channel, UNHEARD).prepared('/var/lib/sluice');
    const tickets = { base64: 'AAAA', leftMs: 1 };
    channel.emit('message', { v: 1, kind: 'take', isInDirectory: true, tickets });
    const given = await taken;
    assert.deepEqual([given.state, given.tickets], [null, tickets]);
  });

  it('asks for what it does not find, and does without where the old process has gone', async () => {
    const channel = new FakeChannel();
    const taken = new Heir(PASSED, channel, UNHEARD).prepared('/var/lib/sluice');
    channel.emit('message', { v: 1, kind: 'take', isInDirectory: true, canGive: true });
    const given = await taken;
    const asked = given.ask();
    assert.deepEqual(channel.said[1], { v: 1, kind: 'unread' });
    const budget = { format: 1, bytes: new Uint8Array([1]), at: 'now' };
    const state = { ...NOTHING, budgets: new Map([['route/shop/availability', budget]]) };
    for (const part of partsOf(state)) channel.emit('message', { v: 1, kind: 'part', part });
    channel.emit('message', { v: 1, kind: 'given' });
    assert.deepEqual(await asked, state);
    const again = given.ask();
    channel.connected = false;
    channel.emit('disconnect');
    assert.deepEqual([await again, await given.ask()], [null, null]);
    assert.equal(channel.listenerCount('disconnect'), 0);
  });

  it('drains when the old process was told to end', async () => {
    const channel = new FakeChannel();
    let count = 0;
    const heir = new Heir(PASSED, channel, { orphaned: unheard, ended: () => void count++ });
    const taken = heir.prepared(null);
    channel.emit('message', { v: 1, kind: 'take', isInDirectory: true });
    await taken;
    channel.emit('message', { v: 1, kind: 'end' });
    assert.equal(count, 1);
    await heir.serving();
    assert.equal(channel.listenerCount('message'), 0);
  });

  it('gives up when the old process goes before it handed over, and not afterwards', async () => {
    const channel = new FakeChannel();
    const heir = new Heir(PASSED, channel, UNHEARD);
    const refused = assert.rejects(heir.prepared(null), { code: 'SLU_RESTART_FAILED' });
    channel.emit('disconnect');
    await refused;
    channel.connected = false;
    await assert.rejects(heir.prepared(null), { code: 'SLU_RESTART_FAILED' });
    await heir.serving();
    assert.equal(channel.said.length, 1, 'to whom is gone nothing is said');
  });

  it('ends when the old process goes while it gets ready, whatever it waits for', () => {
    const channel = new FakeChannel();
    let count = 0;
    const heir = new Heir(PASSED, channel, { orphaned: () => void count++, ended: unheard });
    channel.emit('disconnect');
    assert.deepEqual([count, heir.predecessor], [1, 42]);
  });

  it('lets the channel go when it serves, or fails', async () => {
    const [one, other] = [new FakeChannel(), new FakeChannel()];
    await new Heir(PASSED, one, UNHEARD).serving();
    await new Heir(PASSED, other, UNHEARD).failed('no luck');
    assert.deepEqual(one.said, [{ v: 1, kind: 'serving' }]);
    assert.deepEqual(other.said, [{ v: 1, kind: 'failed', because: 'no luck' }]);
    assert.deepEqual([one.connected, other.connected], [false, false]);
    for (const channel of [one, other]) channel.emit('disconnect');
  });
});
