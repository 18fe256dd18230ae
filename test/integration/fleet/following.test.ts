/** Words of the fleet that come before the loop knows the rollout that they are about, or behind a cut, on a real Redis. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { formatWord } from '#src/fleet/order.ts';
import { nowMs } from '#src/lib/clock.ts';
import type { LatencyDial } from '#src/model/latency.ts';
import { Member, type Members, STEPS, startMembers } from '../../support/stores/fleet/member.ts';
import { startRelay } from '../../support/stores/fleet/relay.ts';
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

describe('the latency thresholds of the leader', { skip: cannotRun(REDIS) }, () => {
  let members: Members;
  before(async () => {
    members = await startMembers();
  });
  afterEach(() => members.clear());
  after(() => members.end());

  let listener: Redis | null = null;
  afterEach(() => listener?.disconnect());

  const STABLE_MS = [1, 2, 3, 4, 5, 6];
  const CANARY_MS = [2, 3, 4, 5, 6, 7];

  /** What a judge does when it freezes them. */
  function freeze({ store, rollouts: { fleet } }: Member): void {
    const [route] = store.current?.snapshot.routes.filter(({ name }) => name === 'shop') ?? [];
    const [stable, canary] = route?.splits ?? [];
    assert.ok(stable !== undefined && canary !== undefined);
    const dial = (atEndMs: number[]): LatencyDial => ({ sinceMs: nowMs(), atEndMs, inFlightMs: CANARY_MS });
    fleet.setLatency(stable.unit, dial(STABLE_MS));
    fleet.setLatency(canary.unit, dial(CANARY_MS));
  }

  /** At which each gateway counts, as it tells the others; empty: at none. Kept up to date. */
  async function limitsTold(): Promise<ReadonlyMap<string, string>> {
    const told = new Map<string, string>();
    listener = members.client.duplicate();
    listener.on('message', (_channel: string, text: string) => {
      const { member, route, limits } = JSON.parse(text) as { member: string; route?: string; limits?: string };
      if (route === 'shop') told.set(member, limits ?? '');
    });
    await listener.subscribe('sluice:edge:evidence');
    return told;
  }

  it('are those of a follower again once it has been cut off', async (t) => {
    const relay = await startRelay(Number(new URL(members.server.url).port));
    t.after(() => relay.close());
    const one = await members.join('one');
    await one.leads();
    const two = new Member('two');
    members.all.push(two);
    await two.open(relay.port);
    await members.until('two follows', () => two.standing()?.leader === 'one');
    const limits = await limitsTold();
    freeze(one);
    const both = (): readonly string[] => ['one', 'two'].map((name) => limits.get(name) ?? '');
    await members.until('both count at the same', () => both()[0] !== '' && both()[0] === both()[1]);
    const before = both();
    relay.cut();
    await members.until('it is alone', () => two.told('fleet_alone').length === 1);
    relay.mend();
    await members.until('it is of the fleet again', () => two.told('fleet_joined').length === 1);
    const done = (): number => two.rollouts.fleet.status()?.exchanges.done ?? 0;
    const since = done();
    await members.until('it has told of itself since', () => done() > since + 3);
    assert.deepEqual(both(), before);
  });

  it('are also those that it heard of while it was alone', async () => {
    const member = new Member('one');
    members.all.push(member);
    member.turn();
    const saved = member.rollouts.saved('shop');
    assert.ok(saved !== null);
    const place = ['shop', saved.generation.slice(0, 16)] as const;
    const key = `sluice:edge:{${place[0]}}:${place[1]}`;
    const say = async (id: string, seq: number): Promise<void> => {
      const body = { saved, limits: { id, stableMs: STABLE_MS, canaryMs: CANARY_MS } };
      const word = formatWord({ run: 0, isRolledBack: false, token: 5, seq, beganAtMs: 0, body });
      await members.client.set(`${key}:word`, word);
      await members.client.publish('sluice:edge:words', `${place.join(' ')} ${word}`);
    };
    await members.client.set(`${key}:lock`, '5 other');
    await say('other.1', 1);
    await member.open(Number(new URL(members.server.url).port));
    const limits = await limitsTold();
    await member.until('follows', () => limits.get('one') === 'other.1');
    // Every exchange fails from now on, and words are heard.
    await members.client.del(`${key}:lock`);
    await members.client.hset(`${key}:lock`, 'no', 'lock');
    await member.until('is alone', () => member.told('fleet_alone').length === 1);
    await say('other.2', 2);
    let turns = 0;
    await member.until('has heard it', () => turns++ > 3);
    await members.client.del(`${key}:lock`);
    await members.client.set(`${key}:lock`, '5 other');
    await member.until('follows again', () => member.told('fleet_joined').length === 1);
    const done = (): number => member.rollouts.fleet.status()?.exchanges.done ?? 0;
    const since = done();
    await member.until('has told of itself since', () => done() > since + 3);
    assert.equal(limits.get('one'), 'other.2');
  });
});
