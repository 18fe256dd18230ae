/** Starts that wait for the release window, on a real Redis: what ends the wait, and what a late start does. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Member, type Members, STEPS, startMembers } from '../../support/stores/fleet/member.ts';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

const LONG_MS = 60_000;

describe('a start that waits for the window', { skip: cannotRun(REDIS) }, () => {
  let members: Members;
  before(async () => {
    members = await startMembers();
  });
  afterEach(() => members.clear());
  after(() => members.end());

  /** A leader whose start waits. */
  async function waiting(name = 'one'): Promise<Member> {
    const member = await members.join(name);
    await member.leads();
    await members.takeWindow(LONG_MS);
    assert.equal((await member.command('start')).kind, 'waiting');
    return member;
  }

  /** The window is free, and would be its own, for some turns. */
  async function free(member: Member): Promise<void> {
    await members.freeWindow();
    const exchanges = (): number => member.rollouts.fleet.status()?.exchanges.done ?? 0;
    const before = exchanges();
    await member.until('exchanges', () => exchanges() > before + 2);
  }

  it('begins once the window is its own, and brings back what drifted as one at once does', async () => {
    const member = await waiting();
    assert.deepEqual([member.state(), member.started], ['idle', []]);
    await members.freeWindow();
    await member.until('starts', () => member.state() === 'progressing');
    assert.deepEqual(member.started, ['shop']);
  });

  it('does not begin after an abort', async () => {
    const member = await waiting();
    assert.equal((await member.command('abort')).kind, 'done');
    await free(member);
    assert.deepEqual([member.state(), member.started], ['rolled-back', []]);
    assert.equal(member.told('rollout_refused').length, 1);
  });

  it('does not begin after an abort that comes while Redis is asked', async () => {
    const member = await members.join('one');
    await member.leads();
    const start = member.command('start');
    assert.equal((await member.command('abort')).kind, 'done');
    assert.equal((await start).kind, 'refused');
    await free(member);
    assert.equal(member.state(), 'rolled-back');
  });

  it('is given up by an abort of what is rolled back already', async () => {
    const member = await members.join('one');
    await member.leads();
    await member.command('abort');
    await members.takeWindow(LONG_MS);
    await member.until('is told to the fleet', () => (member.rollouts.fleet.status()?.exchanges.done ?? 0) > 2);
    assert.equal((await member.command('start')).kind, 'waiting');
    const refused = await member.command('abort');
    assert.match(
      refused.kind === 'refused' ? refused.detail : '',
      /the start that waited for the release window is given up/,
    );
    await free(member);
    assert.equal(member.state(), 'rolled-back');
  });

  it('does not begin after an abort on another gateway', async () => {
    const member = await waiting();
    const other = await members.join('two');
    await members.until('the other is of the fleet', () => other.standing()?.leader === 'one');
    assert.equal((await other.command('abort')).kind, 'done');
    await members.until('it follows', () => member.state() === 'rolled-back');
    await free(member);
    assert.deepEqual([member.state(), member.started], ['rolled-back', []]);
  });

  it('does not begin another rollout than the one that it was sent to', async () => {
    const member = await waiting();
    member.offer(STEPS.replace('weight: 5', 'weight: 6'));
    await free(member);
    assert.deepEqual([member.state(), member.started], ['idle', []]);
  });

  it('outlives a time without the fleet', async () => {
    const member = await waiting();
    members.server.freeze();
    await member.until('is alone', () => member.rollouts.fleet.guide.roleOf('shop') === 'alone');
    members.server.thaw();
    await members.freeWindow();
    await member.until('starts', () => member.state() === 'progressing');
  });
});
