/** Who gets through, who waits, who is refused. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { createStandings, cutFor, STANDING_CANARY } from '#src/model/threads/load/standing.ts';
import { Admission } from '#src/proxy/decide/admission/admission.ts';
import { isHeld, NONE, SHED, WAITING } from '#src/proxy/decide/admission/permit.ts';
import { cohortOf } from '#src/proxy/decide/admission/priority.ts';
import type { WaitEvents } from '#src/proxy/decide/admission/queue.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

interface One {
  name: string;
  permit: number;
  priority: number;
  userKey: number;
  split: { cell: number } | null;
}

const SEED = 20_260_801;

function one(name: string, priority = 1): One {
  return { name, permit: NONE, priority, userKey: 7, split: null };
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
  it('that is cut has a part of its limit from the next tick on, and all of it again', () => {
    const { events } = told();
    const { admission, holders } = full(8, events);
    admission.cut = cutFor(0.5);
    assert.equal(admission.limit, 8);
    admission.tick(50);
    assert.deepEqual([admission.limit, admission.inFlight, admission.isPressed], [4, 8, true], 'nobody is thrown out');
    for (const x of holders.slice(0, 5)) admission.release(x, 60, false);
    assert.equal(admission.admit(one('fourth'), 60, events), true);
    assert.equal(admission.admit(one('fifth'), 60, events), false);
    admission.cut = 0;
    admission.tick(100);
    assert.equal(admission.limit, 8);
    admission.cut = cutFor(0);
    admission.tick(150);
    assert.equal(admission.limit, 1, 'one place stays');
  });

  it('does not cut a limit that is still being learned', () => {
    const admission = new Admission<One>('auto', 0);
    const { limit } = admission;
    admission.cut = cutFor(0.5);
    admission.tick(50);
    assert.equal(admission.limit, limit);
  });

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

  it('serves those who stand alike by cohort until it refuses somebody, and from then on in turn', () => {
    const held: One[] = [];
    const log: string[] = [];
    const events: WaitEvents<One> = {
      admitted: (x) => {
        held.push(x);
        log.push(x.name);
      },
      shed: () => undefined,
    };
    const admission = new Admission<One>(4, 0);
    const ask = (name: string, priority: number, userKey: number, nowMs: number): void => {
      const x = { ...one(name, priority), userKey };
      if (admission.admit(x, nowMs, events)) held.push(x);
    };
    const answer = (nowMs: number): void => {
      const x = held.shift();
      if (x !== undefined) admission.release(x, nowMs, false);
    };
    const users = Array.from({ length: 1000 }, (_, userKey) => userKey);
    users.sort((a, b) => cohortOf(a, 0) - cohortOf(b, 0));
    const [first, last] = [users[0] as number, users[999] as number];
    const served = (nowMs: number): string[] => {
      log.length = 0;
      ask('last cohort', 0, last, nowMs);
      ask('first cohort', 0, first, nowMs);
      for (let n = 0; n < 2; n++) answer(nowMs);
      return [...log];
    };
    for (let n = 0; n < 4; n++) ask('holder', 1, 0, 0);
    assert.deepEqual(served(1), ['first cohort', 'last cohort']);
    // Five times what is answered, for long enough.
    for (let nowMs = 50; nowMs < 6000; nowMs += 50) {
      for (let n = 0; n < 10; n++) ask('more', 3, users[(nowMs + 97 * n) % 1000] as number, nowMs);
      for (let n = 0; n < 2; n++) answer(nowMs);
      admission.tick(nowMs);
    }
    assert.ok(admission.refusedRatio > 0.5, `${admission.refusedRatio}`);
    assert.deepEqual(served(6000), ['last cohort', 'first cohort']);
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
    assert.equal(admission.patienceMs(300, 1000), 120);
    assert.equal(admission.patienceMs(Number.POSITIVE_INFINITY, 1000), 200);
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

  it('serves those first whose route has least to lose, within a priority, and its canary last', () => {
    const standings = createStandings();
    standings.set([3, 1, STANDING_CANARY, 0], 10);
    const admission = new Admission<One>(1, 0, standings);
    // Whoever is let in leaves at once, and the next one follows.
    const { events, log } = told((x) => admission.release(x, 2, false));
    const holder = one('holder');
    admission.admit(holder, 0, events);
    const at = (name: string, cell: number, priority = 1): One => ({ ...one(name, priority), split: { cell } });
    for (const x of [at('plenty', 10), at('canary', 12), at('spent', 13), at('some', 11), at('vital', 12, 0)]) {
      assert.equal(admission.admit(x, 0, events), false);
    }
    admission.release(holder, 1, false);
    assert.deepEqual(
      log,
      ['vital', 'spent', 'some', 'plenty', 'canary'].map((name) => `${name} admitted`),
    );
  });

  describe('while curbed', () => {
    /** Of `limit` places, `taken` by requests of the default priority. */
    function curbed(limit: number, taken: number) {
      const { events, log } = told();
      const admission = new Admission<One>(limit, 0);
      admission.isCurbed = true;
      const holders = Array.from({ length: taken }, (_, n) => one(`holder${n}`));
      for (const x of holders) assert.equal(admission.admit(x, 0, events), true);
      return { admission, holders, events, log };
    }

    it('gives best-effort requests half of the places, rounded up, and refuses the others of them at once', () => {
      for (const limit of [1, 2, 3, 8]) {
        const { admission, events } = curbed(limit, 0);
        let taken = 0;
        for (let n = 0; n < limit; n++) if (admission.admit(one(`b${n}`, 3), 0, events)) taken += 1;
        assert.equal(taken, Math.ceil(limit / 2), `${limit}`);
        assert.deepEqual([admission.inFlight, admission.queued, admission.isPressed], [taken, 0, taken === limit]);
      }
    });

    it('counts places whoever has them, and leaves the rest to everybody else', () => {
      const { admission, holders, events } = curbed(4, 2);
      const refused = one('refused', 3);
      assert.equal(admission.admit(refused, 0, events), false);
      assert.equal(refused.permit, SHED);
      admission.release(refused, 0, false);
      for (const priority of [2, 1]) assert.equal(admission.admit(one('more', priority), 0, events), true);
      assert.deepEqual([admission.inFlight, admission.isPressed], [4, true]);
      for (const x of holders) admission.release(x, 1, false);
      const spare = one('rescued', 3);
      assert.equal(admission.admitSpare(spare, 1), true, 'what takes a spare place is not held back');
    });

    it('lets no best-effort request wait, and those of other priorities as without it', () => {
      const { admission, holders, events, log } = curbed(2, 2);
      admission.admit(one('waits'), 0, events);
      const late = one('late', 3);
      admission.admit(late, 0, events);
      assert.deepEqual([late.permit, admission.queued], [SHED, 1]);
      admission.release(holders[0] as One, 1, false);
      assert.deepEqual(log, ['waits admitted']);
      admission.release(holders[1] as One, 1, false);
      assert.deepEqual([admission.inFlight, admission.isPressed], [1, false]);
    });

    it('serves who waits already, and ends at once', () => {
      const { events, log } = told();
      const { admission, holders } = full(2, events);
      admission.admit(one('before', 3), 0, events);
      admission.isCurbed = true;
      admission.release(holders[0] as One, 1, false);
      assert.deepEqual(log, ['before admitted']);
      admission.release(holders[1] as One, 1, false);
      assert.equal(admission.admit(one('held back', 3), 1, events), false);
      admission.isCurbed = false;
      assert.equal(admission.admit(one('as before', 3), 1, events), true);
    });

    it('changes nothing for others: the same requests, the same fates', (t) => {
      t.diagnostic(`seed ${SEED}`);
      const play = (isCurbed: boolean): string[] => {
        const random = new Random(SEED);
        const held: One[] = [];
        const { events, log } = told((x) => void held.push(x));
        const admission = new Admission<One>(5, 0);
        admission.isCurbed = isCurbed;
        const arrive = (name: string, nowMs: number): void => {
          const x = { ...one(name, random.nextUint32() % 3), userKey: random.nextUint32() | 0 };
          if (admission.admit(x, nowMs, events)) held.push(x);
          log.push(`${name} ${x.permit & 7}`);
        };
        for (let step = 0; step < 20_000; step++) {
          const first = random.nextFloat() < 0.6 ? undefined : held.shift();
          if (first === undefined) arrive(`x${step}`, step * 2);
          else admission.release(first, step * 2, false);
          if (step % 25 === 0) admission.tick(step * 2);
        }
        return log;
      };
      const without = play(false);
      assert.ok(without.some((line) => line.endsWith(` ${SHED}`)) && without.some((line) => line.endsWith('admitted')));
      assert.deepEqual(play(true), without);
    });
  });

  it('without pressure allocates nothing', COUNTED, () => {
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
