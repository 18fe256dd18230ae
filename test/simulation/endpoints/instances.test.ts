/** One sick instance of a canary condemns it neither while the others come and go nor when it goes itself; a sick version has no excuse. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { audit } from '#src/cli/log/verify/audit.ts';
import { backtest } from '#src/slo/replay/backtest.ts';
import { found, QUICK_FOUND, Recorded } from '../../support/simulate/watch/recorded.ts';
import { linesOf } from '../../support/state/lines.ts';

const SEEDS = Array.from({ length: 10 }, (_, n) => 9001 + n);
/** Sound requests at 50 ms or less: only failures are looked for. */
const TRAFFIC = { perTick: 60, canaryErrorRatio: 0, stableErrorRatio: 0 };

/** A gateway with the canary's endpoints 1 to 3, and whom it spared. */
class Watched extends Recorded {
  readonly spared = new Set<string | number>();

  constructor(seed: number) {
    super(seed, QUICK_FOUND, TRAFFIC);
    this.run(20);
  }

  run(ticks: number): void {
    for (let n = 0; n < ticks && !this.isRolledBack; n++) {
      this.tick();
      const status = this.controller.view()[0]?.status;
      for (const name of status?.verdict?.errors.spared ?? []) this.spared.add(name);
    }
  }

  /** The canary has these from now on. */
  have(...instances: readonly number[]): void {
    this.reload({ canary: found(this.spec.canary, ...instances) });
  }

  get isRolledBack(): boolean {
    return this.decisions.some(({ kind }) => kind === 'rollback');
  }

  /** What was decided is what a replay and an audit come to. */
  check(): void {
    const { segments, decisions } = this.end();
    const { tapes } = backtest(segments, decisions, (spec) => spec);
    assert.ok(tapes.every(({ differsAt }) => differsAt === null));
    assert.equal(audit(linesOf(decisions, segments)).ok, true);
  }
}

describe('a canary with one sick instance', () => {
  it('goes on while the others come and go, until it is ejected', () => {
    for (const seed of SEEDS) {
      const gateway = new Watched(seed);
      gateway.mood.sick = 2;
      for (const others of [
        [1, 3],
        [3, 4],
        [4, 5, 6],
        [1, 3, 4, 5],
        [3, 5],
      ]) {
        gateway.have(2, ...others);
        gateway.run(10);
      }
      gateway.mood.sick = 0;
      gateway.run(100);
      assert.deepEqual([gateway.isRolledBack, [...gateway.spared]], [false, ['10.0.0.2:80']], `seed ${seed}`);
      gateway.check();
    }
  });

  it('goes on when the sick one goes, though what is under way there still fails', () => {
    for (const seed of SEEDS) {
      const gateway = new Watched(seed);
      gateway.mood.sick = 2;
      while (gateway.spared.size === 0 && !gateway.isRolledBack) gateway.run(1);
      // Another instance has its slot from now on.
      gateway.mood.sick = 0;
      gateway.have(1, 3, 4);
      gateway.run(100);
      assert.deepEqual([gateway.isRolledBack, [...gateway.spared]], [false, ['10.0.0.2:80']], `seed ${seed}`);
      gateway.check();
    }
  });
});

describe('a canary that is sick itself', () => {
  it('is rolled back when each of its instances fails until it is replaced', () => {
    for (const seed of SEEDS) {
      const gateway = new Watched(seed);
      for (let n = 1; n <= 20 && !gateway.isRolledBack; n++) {
        const newest = 1 + (n % 5);
        gateway.have(newest, 1 + ((n + 2) % 5), 1 + ((n + 3) % 5));
        gateway.mood.sick = newest;
        gateway.run(10);
      }
      assert.equal(gateway.isRolledBack, true, `seed ${seed}`);
      gateway.check();
    }
  });

  it('is rolled back when two of three instances fail', () => {
    for (const seed of SEEDS) {
      const gateway = new Watched(seed);
      // The first failures may be those of one alone.
      for (let n = 0; n < 50 && !gateway.isRolledBack; n++) {
        gateway.mood.sick = 1 + (n % 2);
        gateway.run(1);
      }
      assert.equal(gateway.isRolledBack, true, `seed ${seed}`);
      gateway.check();
    }
  });
});
