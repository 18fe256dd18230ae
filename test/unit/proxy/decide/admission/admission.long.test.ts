/** How long a queue of a version may become whose limit is found by itself: while it is new, and when it is known. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Admission } from '#src/proxy/decide/admission/admission.ts';
import { NONE, SHED } from '#src/proxy/decide/admission/permit.ts';
import type { WaitEvents } from '#src/proxy/decide/admission/queue.ts';

const one = () => ({ permit: NONE as number, priority: 1, userKey: 7, split: null });
type One = ReturnType<typeof one>;

/** Those that are admitted after a wait are `sent`. */
function eventsOf(sent: One[]): WaitEvents<One> {
  return { admitted: (x) => void sent.push(x), shed: () => undefined };
}

describe('an admission', () => {
  it('of a new version refuses nobody for those that came while its limit was being found, until they are served', () => {
    const sent: One[] = [];
    const events = eventsOf(sent);
    const admission = new Admission<One>('auto', 0);
    const isRefused = (nowMs: number): boolean => {
      const x = one();
      if (admission.admit(x, nowMs, events)) sent.push(x);
      return x.permit === SHED;
    };
    for (let n = 0; n < 1000; n++) assert.equal(isRefused(0), false);
    // It answers one in a millisecond, one after the other, and gets half as many.
    let nowMs = 1;
    for (; admission.queued > 0; nowMs += 1) {
      const x = sent.shift() as One;
      admission.sample(x, admission.inFlight);
      admission.release(x, nowMs, false);
      if (nowMs % 2 === 0) assert.equal(isRefused(nowMs), false, `${nowMs} ms: ${admission.queued} wait`);
      if (nowMs % 50 === 0) admission.tick(nowMs);
    }
    assert.ok(nowMs > 1000 && admission.limit < 100, `${nowMs} ms, limit ${admission.limit}`);
    // A second of what it answers at once: it is young still, and as many wait as its limit answers in 200 ms.
    const room = (): number => Array.from({ length: 4000 }, () => isRefused(nowMs)).filter((is) => !is).length;
    const young = room();
    assert.ok(young > 2 * admission.limit && young < 4000, `${young} of a limit of ${admission.limit}`);
  });

  it('that is known has room for twice its limit, however quick it is', () => {
    const sent: One[] = [];
    const events = eventsOf(sent);
    const admission = new Admission<One>('auto', 0);
    const come = (count: number, nowMs: number): number => {
      const all = Array.from({ length: count }, () => one());
      for (const x of all) if (admission.admit(x, nowMs, events)) sent.push(x);
      return all.filter(({ permit }) => permit !== SHED).length;
    };
    // Eight at a time that take 1 ms, as long as the limit is found and for long after.
    let nowMs = 0;
    for (; nowMs < 30_000; nowMs += 5) {
      come(8, nowMs);
      for (let x = sent.shift(); x !== undefined; x = sent.shift()) {
        admission.sample(x, 1);
        admission.release(x, nowMs + 1, false);
      }
      if (nowMs % 50 === 0) admission.tick(nowMs);
    }
    assert.equal(admission.queued, 0);
    const kept = come(4000, nowMs);
    const most = admission.limit + Math.max(128, 2 * admission.limit);
    assert.ok(kept > admission.limit && kept <= most, `${kept} of a limit of ${admission.limit}`);
  });
});
