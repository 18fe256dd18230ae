/** Who gets through, who waits, who is refused. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Admission } from '#src/proxy/decide/admission/admission.ts';
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

/** An admission of `limit` places, all of them taken. */
function full(limit: number, events: WaitEvents<One>): { admission: Admission<One>; holders: One[] } {
  const admission = new Admission<One>(limit, 0);
  const holders = Array.from({ length: limit }, (_, n) => one(`holder${n}`));
  for (const x of holders) assert.equal(admission.admit(x, 0, events), true);
  return { admission, holders };
}

describe('an admission', () => {
  it('lets through as many as its limit, and the others wait', () => {
    const { events } = told();
    const { admission } = full(3, events);
    const fourth = one('fourth');
    assert.equal(admission.admit(fourth, 0, events), false);
    assert.equal(fourth.permit, WAITING);
    assert.deepEqual([admission.inFlight, admission.queued, admission.isPressed], [3, 1, true]);
  });

  it('gives a free place to the most important that waits', () => {
    const { events, log } = told();
    const { admission, holders } = full(1, events);
    for (const [name, priority] of [
      ['late', 3],
      ['usual', 1],
      ['vital', 0],
    ] as const) {
      admission.admit(one(name, priority), 1, events);
    }
    admission.release(holders[0] as One, 5, false);
    assert.deepEqual(log, ['vital admitted']);
    assert.deepEqual([admission.inFlight, admission.queued], [1, 2]);
  });

  it('refuses the least important once too many wait', () => {
    const { events, log } = told();
    const { admission } = full(2, events);
    const waiting = Array.from({ length: 128 }, (_, n) => one(`w${n}`, 2));
    for (const x of waiting) admission.admit(x, 0, events);
    const worse = one('worse', 3);
    assert.equal(admission.admit(worse, 0, events), false);
    assert.equal(worse.permit, SHED);
    admission.admit(one('vital', 0), 0, events);
    assert.deepEqual(log, ['w127 shed']);
    assert.equal((waiting[127] as One).permit, SHED);
    assert.equal(admission.queued, 128);
  });

  it('forgets one that waits and goes away', () => {
    const { events, log } = told();
    const { admission, holders } = full(1, events);
    const gone = one('gone');
    admission.admit(gone, 0, events);
    admission.release(gone, 1, true);
    assert.equal(gone.permit, NONE);
    admission.release(holders[0] as One, 2, false);
    assert.deepEqual(log, []);
    assert.deepEqual([admission.inFlight, admission.queued, admission.isPressed], [0, 0, false]);
  });

  it('counts a release once, however often it is told', () => {
    const { events } = told();
    const { admission, holders } = full(2, events);
    admission.release(holders[0] as One, 1, false);
    admission.release(holders[0] as One, 1, false);
    assert.equal(admission.inFlight, 1);
  });

  it('takes admissions that end within their own admission, a thousand of them', () => {
    const { admission, holders, log } = (() => {
      const admissions: Admission<One>[] = [];
      const { events, log: list } = told((x) => admissions[0]?.release(x, 3, false));
      const made = full(1, events);
      admissions.push(made.admission);
      for (let n = 0; n < 100; n++) made.admission.admit(one(`w${n}`), 0, events);
      return { ...made, log: list };
    })();
    admission.release(holders[0] as One, 2, false);
    assert.equal(log.length, 100);
    assert.deepEqual([admission.inFlight, admission.queued], [0, 0]);
  });

  it('has spare places for nobody while others wait', () => {
    const { events } = told();
    const { admission, holders } = full(2, events);
    const spare = one('spare');
    assert.equal(admission.admitSpare(spare, 0), false);
    assert.equal(spare.permit, NONE);
    admission.release(holders[0] as One, 1, false);
    assert.equal(admission.admitSpare(spare, 1), true);
    assert.equal(admission.inFlight, 2);
  });

  it('keeps patience short only while it refuses', () => {
    const { events } = told();
    const { admission } = full(2, events);
    assert.equal(admission.patienceMs(300, 1000), 1000);
    let nowMs = 0;
    for (; nowMs < 6000; nowMs += 50) {
      for (let n = 0; n < 10; n++) admission.admit(one('x', n % 4), nowMs, events);
      admission.tick(nowMs);
    }
    assert.ok(admission.refusedRatio > 0);
    assert.equal(admission.patienceMs(300, 1000), 150);
    assert.equal(admission.patienceMs(Number.POSITIVE_INFINITY, 1000), 250);
    assert.equal(admission.patienceMs(300, 100), 100);
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
    const admission = new Admission<One>('auto', 0);
    let nowMs = 0;
    const arrive = (): void => {
      const x = { ...one('x', random.nextUint32() % 4), userKey: random.nextUint32() | 0 };
      if (admission.admit(x, nowMs, events)) held.add(x);
      else if (x.permit === WAITING) waiting.add(x);
      else admission.release(x, nowMs, false);
    };
    const end = (of: Set<One>, isHung: boolean): void => {
      for (const x of of) {
        of.delete(x);
        if (!isHung) admission.sample(x, 5 + 20 * random.nextFloat());
        admission.release(x, nowMs, isHung);
        return;
      }
    };
    for (let step = 0; step < 20_000; step++) {
      nowMs += random.nextFloat() * 3;
      const draw = random.nextFloat();
      if (draw < 0.5) arrive();
      else if (draw < 0.85) end(held, random.nextFloat() < 0.1);
      else if (draw < 0.9) end(waiting, true);
      else admission.tick(nowMs);
      for (const x of waiting) if (x.permit === SHED) waiting.delete(x);
      assert.deepEqual([admission.inFlight, admission.queued], [held.size, waiting.size]);
    }
    for (const x of [...held, ...waiting]) admission.release(x, nowMs, false);
    for (const x of held) if (isHeld(x.permit)) admission.release(x, nowMs, false);
    assert.equal(admission.inFlight, 0);
    assert.equal(admission.queued, 0);
  });

  it('without pressure allocates nothing', () => {
    const { events } = told();
    const admission = new Admission<One>('auto', 0);
    const x = one('x');
    assert.equal(
      bytesPerCall(() => {
        admission.admit(x, 1234.5, events);
        admission.sample(x, 3.25);
        admission.release(x, 1237.75, false);
      }),
      0,
    );
  });
});
