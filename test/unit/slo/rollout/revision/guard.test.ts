import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ALPHA, type Conviction, RevisionGuard, UNCHANGED_MAX, WATCHED_MAX } from '#src/slo/rollout/revision/guard.ts';
import { NO_COUNTS, type RouteCounts } from '#src/slo/rollout/revision/record.ts';

const WATCH_MS = 60_000;

/** Routes by name, each with a cell of its own, on a clock that is turned by hand. */
class Rig {
  readonly #names: readonly string[];
  readonly #counts: RouteCounts[];
  readonly guard: RevisionGuard<string>;
  nowMs = 0;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#counts = names.map(() => NO_COUNTS);
    this.guard = new RevisionGuard((cells) => this.#counts[cells[0] as number] as RouteCounts);
    this.follow(names);
  }

  follow(names: readonly string[]): void {
    this.guard.follow(
      names.map((name) => ({ name, cells: [this.#names.indexOf(name)] })),
      this.nowMs,
    );
  }

  /** Turns of 100 ms in which each route has ten requests; those that are named fail. */
  turns(count: number, failing: readonly string[] = []): Conviction<string> | null {
    for (let turn = 0; turn < count; turn++) {
      this.nowMs += 100;
      for (const [index, name] of this.#names.entries()) {
        const { finished, bad } = this.#counts[index] as RouteCounts;
        const worse = bad + (failing.includes(name) ? 10 : 0);
        this.#counts[index] = { finished: finished + 10, bad: worse, answered: finished + 10, turnedAway: worse };
      }
      const conviction = this.guard.turn(this.nowMs, WATCH_MS);
      if (conviction !== null) return conviction;
    }
    return null;
  }

  begin(changed: readonly string[], base = 'base'): number {
    return this.guard.begin(new Set(changed), base, this.nowMs);
  }
}

suite('the guard over configurations', () => {
  test('convicts a route that fails after its change, with the numbers, three turns in a row', () => {
    const rig = new Rig(['a', 'b']);
    rig.turns(300);
    assert.equal(rig.begin(['a']), 1);
    assert.equal(rig.turns(2, ['a']), null);
    const conviction = rig.turns(20, ['a']);
    assert.ok(conviction !== null);
    const { route, base, threshold, logE, failed, finished, tookMs } = conviction;
    assert.deepEqual([route, base, threshold], ['a', 'base', Math.log(2 / ALPHA)]);
    assert.ok(logE >= threshold && failed === finished && tookMs <= 1000, `${logE} ${tookMs}`);
    assert.match(
      conviction.sentence,
      /^route a: (\d+) of \1 requests failed within 0\.\d s of the change, 0 of 3000 before \(tolerated 2 %\); 0 of \1 on routes that did not change$/,
    );
  });

  test('a route that nobody used has no record, and is not watched', () => {
    const rig = new Rig(['a', 'b']);
    assert.equal(rig.begin(['a', 'b', 'new']), 0);
    assert.equal(rig.turns(50, ['a']), null);
  });

  test('records go on by name when routes come, go and move', () => {
    const rig = new Rig(['a', 'b', 'c']);
    rig.turns(300);
    for (const names of [
      ['c', 'a'],
      ['a', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
      rig.follow(names);
    assert.equal(rig.begin(['a', 'c']), 2, 'as many requests as before');
    const conviction = rig.turns(20, ['c']);
    assert.deepEqual([conviction?.route, rig.begin(['gone'])], ['c', 0]);
  });

  test('a route that comes with the cell of another one has no record', () => {
    const rig = new Rig(['a', 'b']);
    rig.turns(300);
    rig.guard.follow(
      [
        { name: 'new', cells: [0] },
        { name: 'b', cells: [1] },
      ],
      rig.nowMs,
    );
    assert.deepEqual([rig.begin(['new']), rig.begin(['a']), rig.begin(['b'])], [0, 0, 1]);
  });

  test('watches for its time and no longer, and what was counted meanwhile is no record', () => {
    const rig = new Rig(['a', 'b']);
    rig.turns(300);
    rig.begin(['a']);
    assert.deepEqual(rig.guard.watching, ['a']);
    assert.equal(rig.turns(WATCH_MS / 100), null);
    assert.deepEqual(rig.guard.watching, []);
    assert.equal(rig.turns(100, ['a']), null, 'too late for the change to be the reason');
  });

  test('after a revert the failures are not what the next change is measured against', () => {
    const rig = new Rig(['a', 'b']);
    rig.turns(300);
    rig.begin(['a']);
    assert.ok(rig.turns(30, ['a']) !== null);
    rig.guard.end(rig.nowMs);
    assert.deepEqual(rig.guard.watching, []);
    rig.turns(20);
    rig.begin(['a']);
    assert.ok(rig.turns(30, ['a']) !== null);
  });

  test('goes back to what was before the first of several changes', () => {
    const rig = new Rig(['a', 'b']);
    rig.turns(300);
    rig.begin(['a'], 'first');
    rig.turns(10);
    rig.begin(['a'], 'second');
    assert.equal(rig.turns(30, ['a'])?.base, 'first');
    const other = new Rig(['a', 'b', 'c']);
    other.turns(300);
    other.begin(['a'], 'first');
    other.begin(['b'], 'second');
    assert.equal(other.turns(30, ['b'])?.base, 'second', 'the first changed another route');
  });

  test('an unchanged route that fails as well holds it, however many do not', () => {
    const names = ['a', ...Array.from({ length: 20 }, (_, n) => `r${n}`)];
    const rig = new Rig(names);
    rig.turns(300);
    rig.begin(['a']);
    assert.equal(rig.turns(100, ['a', 'r7']), null);
  });

  test('compares with routes whose first block is still under way', () => {
    const rig = new Rig(['a', 'b']);
    rig.turns(20);
    rig.begin(['a']);
    assert.match(rig.turns(30, ['a'])?.sentence ?? '', / 0 of \d+ on routes that did not change$/);
    const shared = new Rig(['a', 'b']);
    shared.turns(20);
    shared.begin(['a']);
    assert.equal(shared.turns(100, ['a', 'b']), null);
  });

  test('a route that is gone is watched no more', () => {
    const rig = new Rig(['a', 'b']);
    rig.turns(300);
    rig.begin(['a']);
    rig.follow(['b']);
    assert.deepEqual(rig.guard.watching, []);
    assert.equal(rig.turns(30, ['a']), null);
  });

  test('watches no more than its limits: routes, routes beside them, configurations', () => {
    const names = Array.from({ length: WATCHED_MAX + UNCHANGED_MAX + 10 }, (_, n) => `r${n}`);
    const rig = new Rig(names);
    rig.turns(10);
    assert.equal(rig.begin(names), WATCHED_MAX);
    assert.equal(rig.guard.watching.length, WATCHED_MAX);
    const few = new Rig(names.slice(0, 12));
    few.turns(10);
    for (let n = 0; n < 10; n++) few.begin([`r${n}`], `base ${n}`);
    assert.deepEqual(few.guard.watching, names.slice(2, 10), 'those with the oldest bases go first');
  });
});
