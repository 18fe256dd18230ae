/** Words of the fleet that come before the loop knows the rollout that they are about, on a real Redis. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Member, type Members, STEPS, startMembers } from '../../support/stores/fleet/member.ts';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

const OTHER = STEPS.replace('weight: 5', 'weight: 6');

describe('a rollback of the fleet is followed', { skip: cannotRun(REDIS) }, () => {
  let members: Members;
  before(async () => {
    members = await startMembers();
  });
  afterEach(() => members.clear());
  after(() => members.end());

  async function rolledBack(document: string): Promise<Member> {
    const member = await members.join('one', {}, document);
    await member.leads();
    assert.equal((await member.command('abort')).kind, 'done');
    return member;
  }

  /** Exchanges without a turn of the loop in between, which would make the rollout known. */
  async function exchangeOnly(member: Member): Promise<void> {
    const { fleet } = member.rollouts;
    const done = (): number => fleet.status()?.exchanges.done ?? 0;
    const before = done();
    const turn = (): void => {
      fleet.beforeTurn();
      fleet.afterTurn();
    };
    await member.until('exchanges', () => done() > before, turn);
  }

  it('also where it is heard before the first turn', async () => {
    await rolledBack(STEPS);
    const late = await members.join('two');
    await exchangeOnly(late);
    assert.deepEqual([late.state(), late.told('fleet_followed').length], ['none', 0]);
    await late.until('follows', () => late.state() === 'rolled-back');
    assert.equal(late.told('fleet_followed').length, 1);
  });

  it('also where it is heard right after a reload, and nothing is said of the rollout before that', async () => {
    await rolledBack(OTHER);
    const reloaded = await members.join('two', {}, STEPS);
    await reloaded.leads();
    await reloaded.command('abort');
    reloaded.offer(OTHER);
    await exchangeOnly(reloaded);
    assert.equal(reloaded.told('fleet_followed').length, 0);
    const { generation } = reloaded.rollouts.saved('shop') ?? {};
    await reloaded.until('follows', () => reloaded.told('fleet_followed').length === 1);
    assert.equal(reloaded.state(), 'rolled-back');
    assert.notEqual(reloaded.rollouts.saved('shop')?.generation, generation);
  });

  it('says nothing of the rollout before a reload as if it were that after it', async () => {
    const member = await rolledBack(STEPS);
    const generation = member.rollouts.saved('shop')?.generation ?? '';
    member.offer(OTHER);
    for (let n = 0; n < 2; n++) await exchangeOnly(member);
    const rollbacks = await members.client.keys('*:rollback');
    assert.deepEqual(rollbacks, [`sluice:edge:{shop}:${generation.slice(0, 16)}:rollback`]);
    await member.leads();
    assert.equal(member.state(), 'idle');
  });
});
