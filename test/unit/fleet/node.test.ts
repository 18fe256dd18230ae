/** One gateway of a fleet, on virtual time; what random faults do to several is in property/fleet/faults.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALONE_MS, FleetNode, type Phase } from '#src/fleet/node.ts';
import { Random } from '#src/lib/random.ts';
import { ModelLine, ModelServer } from '../../support/stores/fleet/model.ts';
import { VirtualTime } from '../../support/stores/virtual.ts';

const LEASE_MS = 3000;

class Rig {
  readonly time = new VirtualTime();
  readonly server = new ModelServer<string>(this.time);
  readonly adopted: string[] = [];
  readonly lost: string[] = [];
  canAdopt = true;

  gateway(id: string, body: () => string = () => 'idle', phase: () => Phase = () => 'resting') {
    const line = new ModelLine(this.server, this.time, new Random(1));
    const node = new FleetNode<string>({
      id,
      locks: line,
      board: line,
      nowMs: () => this.time.nowMs,
      wallMs: () => this.time.nowMs,
      leaseMs: LEASE_MS,
      windowLeaseMs: LEASE_MS,
      hooks: {
        adopt: (route, word) => {
          this.adopted.push(`${id} ${route} ${word.body}`);
          return this.canAdopt;
        },
        current: () => ({ body: body(), isRolledBack: body() === 'out', rolledBackAtMs: 1 }),
        phase,
        windowLost: (route, by) => void this.lost.push(`${id} ${route} ${by}`),
        failed: () => undefined,
      },
    });
    return { line, node };
  }

  async all(...asked: readonly Promise<unknown>[]): Promise<void> {
    const done = Promise.all(asked);
    await this.time.pass(400);
    await done;
  }
}

const rollout = (route: string, generation = 'g1') => ({ route, service: 'shop', generation, hasSteps: true });

test('the first to ask leads, the others know who', async () => {
  const rig = new Rig();
  const [a, b] = [rig.gateway('a'), rig.gateway('b')];
  for (const { node } of [a, b]) node.follow([rollout('x')]);
  assert.deepEqual([a.node.roleOf('x'), a.node.exchangedMs], ['follower', null]);
  await rig.all(a.node.exchange());
  await rig.all(b.node.exchange());
  assert.deepEqual([a.node.roleOf('x'), b.node.roleOf('x')], ['leader', 'follower']);
  assert.deepEqual([a.node.leaderOf('x'), b.node.leaderOf('x')], ['a', 'a']);
  const [status] = b.node.statuses(() => 'name of a');
  assert.deepEqual([status?.role, status?.leader, status?.run, status?.window], ['follower', 'name of a', 0, 'none']);
  assert.equal(a.node.roleOf('unknown'), 'alone');
});

test('who is cut off is alone, and leads no longer than its lease', async () => {
  const rig = new Rig();
  const { node, line } = rig.gateway('a');
  node.follow([rollout('x')]);
  await rig.all(node.exchange());
  line.isCut = true;
  void node.exchange();
  await rig.time.pass(ALONE_MS);
  assert.equal(node.isConnected, true);
  await rig.time.pass(1);
  assert.deepEqual([node.isConnected, node.roleOf('x')], [false, 'leader']);
  await rig.time.pass(LEASE_MS - ALONE_MS);
  assert.equal(node.roleOf('x'), 'alone');
});

test('time in which nobody asked, or nobody here could hear, is no time without an answer', async () => {
  const rig = new Rig();
  const { node, line } = rig.gateway('a');
  node.follow([rollout('x')]);
  await rig.all(node.exchange());
  await rig.time.pass(10 * ALONE_MS);
  assert.deepEqual([node.isConnected, node.roleOf('x')], [true, 'follower']);
  line.isCut = true;
  await rig.all(node.exchange());
  await rig.time.pass(ALONE_MS);
  node.passOver(ALONE_MS);
  assert.equal(node.isConnected, true);
  await rig.time.pass(ALONE_MS);
  assert.equal(node.isConnected, false);
});

test('a decision of the leader is everybody’s', async () => {
  const rig = new Rig();
  let body = 'idle';
  const [a, b] = [rig.gateway('a', () => body), rig.gateway('b')];
  for (const { node } of [a, b]) node.follow([rollout('x')]);
  await rig.all(a.node.exchange());
  body = 'step 1';
  await rig.all(a.node.moved('x'));
  await rig.all(b.node.exchange());
  assert.deepEqual(rig.adopted, ['b x step 1']);
  await rig.all(b.node.moved('x'));
  await rig.all(b.node.exchange());
  assert.deepEqual(rig.adopted, ['b x step 1', 'b x step 1'], 'what a follower did by itself is taken back');
});

test('one rollout at a time has the window of its service, and another one gets it afterwards', async () => {
  const rig = new Rig();
  let phase: Phase = 'wants';
  const a = rig.gateway('a', undefined, () => phase);
  const b = rig.gateway('b', undefined, () => 'wants');
  a.node.follow([rollout('x')]);
  b.node.follow([rollout('y')]);
  await rig.all(a.node.exchange());
  await rig.all(b.node.exchange());
  assert.deepEqual([a.node.mayStart('x'), b.node.mayStart('y')], [true, false]);
  const entered = b.node.enter('y');
  await rig.all(entered);
  assert.equal(await entered, 'x/g1');
  phase = 'resting';
  await rig.all(a.node.exchange());
  await rig.all(b.node.exchange());
  assert.deepEqual([a.node.mayStart('x'), b.node.mayStart('y')], [false, true]);
  phase = 'under-way';
  await rig.all(a.node.exchange());
  assert.deepEqual(rig.lost, ['a x y/g1']);
});

test('a window that is entered while it is being left is its own afterwards', async () => {
  const rig = new Rig();
  let phase: Phase = 'wants';
  const { node, line } = rig.gateway('a', undefined, () => phase);
  node.follow([rollout('x')]);
  await rig.all(node.exchange());
  // As over HTTP, where what is asked later may arrive before.
  const release = line.release.bind(line);
  let isLeaving = false;
  line.release = async (...asked) => {
    isLeaving = true;
    await rig.time.wait(300);
    await release(...asked);
  };
  phase = 'resting';
  const exchanged = node.exchange();
  await rig.time.pass(150);
  assert.equal(isLeaving, true);
  phase = 'wants';
  const entered = node.enter('x');
  await rig.all(exchanged, entered);
  assert.equal(await entered, '');
  const asked = rig.server.acquire({ tag: 'shop', name: 'window' }, 'y/g1', LEASE_MS);
  assert.deepEqual([node.mayStart('x'), asked.kind], [true, 'taken']);
});

test('another generation is another rollout, and what has gone is given back', async () => {
  const rig = new Rig();
  const [a, b] = [rig.gateway('a'), rig.gateway('b')];
  a.node.follow([rollout('x')]);
  await rig.all(a.node.exchange());
  a.node.follow([rollout('x', 'g2')]);
  assert.equal(a.node.roleOf('x'), 'follower');
  await rig.time.pass(100);
  b.node.follow([rollout('x')]);
  await rig.all(b.node.exchange());
  assert.equal(b.node.roleOf('x'), 'leader');
  await rig.all(b.node.close());
  assert.equal(b.node.roleOf('x'), 'alone');
});

test('a gateway that ends while it renews its locks keeps none of them', async () => {
  const rig = new Rig();
  const { node, line } = rig.gateway('a');
  node.follow([rollout('x')]);
  await rig.all(node.exchange());
  const acquire = line.acquire.bind(line);
  line.acquire = async (...asked) => {
    await rig.time.wait(100);
    return acquire(...asked);
  };
  const exchanged = node.exchange();
  await rig.all(exchanged, node.close());
  const next = rig.server.acquire({ tag: 'x', name: 'g1' }, 'b', LEASE_MS);
  assert.equal(next.kind, 'held');
});

test('a rollback of an earlier process is said to the fleet', async () => {
  const rig = new Rig();
  const [a, b] = [rig.gateway('a', () => 'step 3'), rig.gateway('b', () => 'out')];
  for (const { node } of [a, b]) node.follow([rollout('x')]);
  await rig.all(a.node.exchange());
  await rig.all(b.node.exchange());
  await rig.all(a.node.exchange());
  assert.deepEqual(rig.adopted, ['a x out']);
});

test('a word that cannot be followed yet is offered again, until it is', async () => {
  const rig = new Rig();
  const [a, b] = [rig.gateway('a', () => 'step 1'), rig.gateway('b')];
  for (const { node } of [a, b]) node.follow([rollout('x')]);
  await rig.all(a.node.exchange());
  rig.canAdopt = false;
  for (let n = 0; n < 2; n++) await rig.all(b.node.exchange());
  assert.deepEqual(rig.adopted, ['b x step 1', 'b x step 1']);
  rig.canAdopt = true;
  for (let n = 0; n < 2; n++) await rig.all(b.node.exchange());
  assert.deepEqual(rig.adopted, ['b x step 1', 'b x step 1', 'b x step 1']);
});
