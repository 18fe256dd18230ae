/** Who gets through, who waits, who is refused. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Gate } from '#src/proxy/decide/admission/gate.ts';
import { isHeld, NONE, SHED, WAITING } from '#src/proxy/decide/admission/permit.ts';
import type { WaitEvents } from '#src/proxy/decide/admission/queue.ts';
import { bytesPerCall } from '../../../../support/proxy/allocation.ts';

interface One {
  name: string;
  permit: number;
  priority: number;
  userKey: number;
}

const SEED = 20_260_801;

function one(name: string, priority = 1): One {
  return { name, permit: NONE, priority, userKey: 7 };
}

/** Events that are written down; `then` happens to those that are admitted. */
function told(then: (x: One) => void = () => undefined): { events: WaitEvents<One>; log: string[] } {
  const log: string[] = [];
  return {
    log,
    events: {
      admitted: (x) => {
        log.push(`${x.name} admitted`);
        then(x);
      },
      shed: (x) => log.push(`${x.name} shed`),
    },
  };
}

/** A gate of `limit` places, all of them taken. */
function full(limit: number, events: WaitEvents<One>): { gate: Gate<One>; holders: One[] } {
  const gate = new Gate<One>(limit, 0);
  const holders = Array.from({ length: limit }, (_, n) => one(`holder${n}`));
  for (const x of holders) assert.equal(gate.admit(x, 0, events), true);
  return { gate, holders };
}

describe('a gate', () => {
  it('lets through as many as its limit, and the others wait', () => {
    const { events } = told();
    const { gate } = full(3, events);
    const fourth = one('fourth');
    assert.equal(gate.admit(fourth, 0, events), false);
    assert.equal(fourth.permit, WAITING);
    assert.deepEqual([gate.inFlight, gate.queued, gate.isPressed], [3, 1, true]);
  });

  it('gives a free place to the most important that waits', () => {
    const { events, log } = told();
    const { gate, holders } = full(1, events);
    for (const [name, priority] of [
      ['late', 3],
      ['usual', 1],
      ['vital', 0],
    ] as const) {
      gate.admit(one(name, priority), 1, events);
    }
    gate.release(holders[0] as One, 5, false);
    assert.deepEqual(log, ['vital admitted']);
    assert.deepEqual([gate.inFlight, gate.queued], [1, 2]);
  });

  it('refuses the least important once too many wait', () => {
    const { events, log } = told();
    const { gate } = full(2, events);
    const waiting = Array.from({ length: 128 }, (_, n) => one(`w${n}`, 2));
    for (const x of waiting) gate.admit(x, 0, events);
    const worse = one('worse', 3);
    assert.equal(gate.admit(worse, 0, events), false);
    assert.equal(worse.permit, SHED);
    gate.admit(one('vital', 0), 0, events);
    assert.deepEqual(log, ['w127 shed']);
    assert.equal((waiting[127] as One).permit, SHED);
    assert.equal(gate.queued, 128);
  });

  it('forgets one that waits and goes away', () => {
    const { events, log } = told();
    const { gate, holders } = full(1, events);
    const gone = one('gone');
    gate.admit(gone, 0, events);
    gate.release(gone, 1, true);
    assert.equal(gone.permit, NONE);
    gate.release(holders[0] as One, 2, false);
    assert.deepEqual(log, []);
    assert.deepEqual([gate.inFlight, gate.queued, gate.isPressed], [0, 0, false]);
  });

  it('counts a release once, however often it is told', () => {
    const { events } = told();
    const { gate, holders } = full(2, events);
    gate.release(holders[0] as One, 1, false);
    gate.release(holders[0] as One, 1, false);
    assert.equal(gate.inFlight, 1);
  });

  it('takes admissions that end within their own admission, a thousand of them', () => {
    const { gate, holders, log } = (() => {
      const gates: Gate<One>[] = [];
      const { events, log: list } = told((x) => gates[0]?.release(x, 3, false));
      const made = full(1, events);
      gates.push(made.gate);
      for (let n = 0; n < 100; n++) made.gate.admit(one(`w${n}`), 0, events);
      return { ...made, log: list };
    })();
    gate.release(holders[0] as One, 2, false);
    assert.equal(log.length, 100);
    assert.deepEqual([gate.inFlight, gate.queued], [0, 0]);
  });

  it('has spare places for nobody while others wait', () => {
    const { events } = told();
    const { gate, holders } = full(2, events);
    const spare = one('spare');
    assert.equal(gate.admitSpare(spare, 0), false);
    assert.equal(spare.permit, NONE);
    gate.release(holders[0] as One, 1, false);
    assert.equal(gate.admitSpare(spare, 1), true);
    assert.equal(gate.inFlight, 2);
  });

  it('keeps patience short only while it refuses', () => {
    const { events } = told();
    const { gate } = full(2, events);
    assert.equal(gate.patienceMs(300, 1000), 1000);
    let nowMs = 0;
    for (; nowMs < 6000; nowMs += 50) {
      for (let n = 0; n < 10; n++) gate.admit(one('x', n % 4), nowMs, events);
      gate.tick(nowMs);
    }
    assert.ok(gate.refusedRatio > 0);
    assert.equal(gate.patienceMs(300, 1000), 150);
    assert.equal(gate.patienceMs(Number.POSITIVE_INFINITY, 1000), 250);
    assert.equal(gate.patienceMs(300, 100), 100);
  });

  it('has never more under way than its limit, and loses no place, whatever happens', (t) => {
    t.diagnostic(`seed ${SEED}`);
    const random = new Random(SEED);
    const held = new Set<One>();
    const waiting = new Set<One>();
    const { events } = told((x) => {
      waiting.delete(x);
      held.add(x);
    });
    const gate = new Gate<One>('auto', 0);
    let nowMs = 0;
    const arrive = (): void => {
      const x = { ...one('x', random.nextUint32() % 4), userKey: random.nextUint32() | 0 };
      if (gate.admit(x, nowMs, events)) held.add(x);
      else if (x.permit === WAITING) waiting.add(x);
      else gate.release(x, nowMs, false);
    };
    const end = (of: Set<One>, isHung: boolean): void => {
      for (const x of of) {
        of.delete(x);
        if (!isHung) gate.sample(x, 5 + 20 * random.nextFloat());
        gate.release(x, nowMs, isHung);
        return;
      }
    };
    for (let step = 0; step < 20_000; step++) {
      nowMs += random.nextFloat() * 3;
      const draw = random.nextFloat();
      if (draw < 0.5) arrive();
      else if (draw < 0.85) end(held, random.nextFloat() < 0.1);
      else if (draw < 0.9) end(waiting, true);
      else gate.tick(nowMs);
      for (const x of waiting) if (x.permit === SHED) waiting.delete(x);
      assert.deepEqual([gate.inFlight, gate.queued], [held.size, waiting.size]);
    }
    for (const x of [...held, ...waiting]) gate.release(x, nowMs, false);
    for (const x of held) if (isHeld(x.permit)) gate.release(x, nowMs, false);
    assert.equal(gate.inFlight, 0);
    assert.equal(gate.queued, 0);
  });

  it('without pressure allocates nothing', () => {
    const { events } = told();
    const gate = new Gate<One>('auto', 0);
    const x = one('x');
    assert.equal(
      bytesPerCall(() => {
        gate.admit(x, 1234.5, events);
        gate.sample(x, 3.25);
        gate.release(x, 1237.75, false);
      }),
      0,
    );
  });
});
