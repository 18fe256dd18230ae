/** Streams keep their places at a version for as long as they last: what that does to a limit which goes by evidence. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Admission, type Admitted } from '#src/proxy/decide/admission/admission.ts';
import { NONE } from '#src/proxy/decide/admission/permit.ts';
import type { WaitEvents } from '#src/proxy/decide/admission/queue.ts';
import { IS_QUICK } from '../../../support/runner/depth.ts';

type One = Admitted;

const SEED = 20_261_122;

function one(userKey: number): One {
  return { permit: NONE, priority: 1, userKey, split: null };
}

/** A version of 100 servers that take 25 to 75 ms each, on virtual time. */
class Version {
  readonly admission = new Admission<One>('auto', 0);
  answers = 0;
  readonly #random: Random;
  readonly #waiting: { readonly x: One; readonly sentMs: number }[] = [];
  readonly #serving: { readonly x: One; readonly sentMs: number; readonly endMs: number }[] = [];
  #nowMs = 0;
  readonly #events: WaitEvents<One> = { admitted: (x) => this.#send(x), shed: () => undefined };

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  ask(): void {
    const x = one(this.#random.nextUint32() | 0);
    if (this.admission.admit(x, this.#nowMs, this.#events)) this.#send(x);
  }

  /** Its head is there soon, its end never. */
  openStream(): void {
    const stream = one(0);
    if (this.admission.admit(stream, this.#nowMs, this.#events)) this.admission.sample(stream, 50);
  }

  pass(nowMs: number): void {
    this.#nowMs = nowMs;
    for (let n = this.#serving.length - 1; n >= 0; n--) this.#end(n);
    while (this.#serving.length < 100 && this.#waiting.length > 0) {
      const { x, sentMs } = this.#waiting.shift() as { x: One; sentMs: number };
      this.#serving.push({ x, sentMs, endMs: nowMs + 25 + 50 * this.#random.nextFloat() });
    }
    if (nowMs % 50 === 0) this.admission.tick(nowMs);
  }

  #send(x: One): void {
    this.#waiting.push({ x, sentMs: this.#nowMs });
  }

  #end(n: number): void {
    const { x, sentMs, endMs } = this.#serving[n] as { x: One; sentMs: number; endMs: number };
    if (endMs > this.#nowMs) return;
    this.#serving.splice(n, 1);
    this.admission.sample(x, this.#nowMs - sentMs);
    this.admission.release(x, this.#nowMs, false);
    this.answers += 1;
  }
}

/** Answers by two seconds, beside so many streams, under three times the load that it can serve from 20 s on. */
function answersBeside(streams: number, seed: number): number[] {
  const version = new Version(seed);
  const counts: number[] = [];
  let due = 0;
  for (let nowMs = 0; nowMs < 100_000; nowMs++) {
    version.pass(nowMs);
    for (due += nowMs < 20_000 ? 1.2 : 6; due >= 1; due--) version.ask();
    if (nowMs >= 5000 && nowMs < 5000 + streams) version.openStream();
    if (nowMs % 2000 !== 1999) continue;
    counts.push(version.answers);
    version.answers = 0;
  }
  return counts;
}

describe('streams under a limit that goes by evidence', () => {
  it('hold their places while it is probed, and leave the others theirs', (t) => {
    t.diagnostic(`seed ${SEED}`);
    for (const streams of IS_QUICK ? [60] : [0, 60]) {
      const counts = answersBeside(streams, SEED).slice(15);
      assert.ok(Math.min(...counts) > 3000, `beside ${streams}: ${Math.min(...counts)} of 4,000`);
    }
  });
});
