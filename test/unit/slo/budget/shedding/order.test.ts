/** From counts and budgets to bytes for the workers, what a version refuses and in which order, on virtual time. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, reserveTallies, viewTallies } from '#src/model/tallies.ts';
import { CURB, cutAt, STANDING_CANARY } from '#src/model/threads/load/standing.ts';
import { type BudgetLeft, SLICES } from '#src/slo/budget/engine.ts';
import { type RefusalReport, SheddingOrder, type ShedRoute } from '#src/slo/budget/shedding/order.ts';
import { LOOKS_AFTER } from '#src/slo/totals/activity.ts';
import { FakeWorker } from '../../../../support/simulate/worker.ts';

const V1 = { name: 'shop/v1', shownIn: 1, isCanary: false };
const V2 = { name: 'shop/v2', shownIn: 4, isCanary: true };
const STABLE_DIAL = 3;

/** Route search has its own cell 0, and 1 at v1; checkout 2, 3 at v1 and 4 at its canary v2; batch 5, and 6 at v1. */
const SEARCH: ShedRoute = {
  route: 'search',
  priority: 'default',
  cell: 0,
  canary: null,
  versions: [{ ...V1, cell: 1 }],
};
const CHECKOUT: ShedRoute = {
  route: 'checkout',
  priority: 'default',
  cell: 2,
  canary: { cell: 4, stableDial: STABLE_DIAL },
  versions: [
    { ...V1, cell: 3 },
    { ...V2, cell: 4 },
  ],
};
const BATCH: ShedRoute = {
  route: 'batch',
  priority: 'best-effort',
  cell: 5,
  canary: null,
  versions: [{ ...V1, cell: 6 }],
};
const FAST = [{ indicator: 'availability', budgetRatio: 0.001 }] as const;

/** What is left to routes, and who hears that it moved. */
class Budgets extends Map<string, BudgetLeft> {
  readonly #moved: (route: string) => void;

  constructor(moved: (route: string) => void) {
    super();
    this.#moved = moved;
  }

  override set(route: string, left: BudgetLeft): this {
    this.#moved(route);
    return super.set(route, left);
  }
}

/** Everything around the order, with a clock. */
class Desk {
  readonly left = new Budgets((route) => this.moved.push(route));
  /** Routes whose budgets were moved since the order asked. */
  readonly moved: string[] = [];
  readonly weights = new Map([[STABLE_DIAL, 95]]);
  readonly cuts = new Map<string, number>();
  readonly bytes = new Map<number, number>();
  published = 0;
  /** Times that a route was judged. */
  judged = 0;
  worker: FakeWorker;
  nowMs = 0;
  readonly order = new SheddingOrder({
    leftOf: (route) => {
      this.judged += 1;
      return this.left.get(route) ?? null;
    },
    takeMoved: () => this.moved.splice(0),
    cutOf: (version) => this.cuts.get(version) ?? 0,
    weightOf: (dial) => this.weights.get(dial) ?? 0,
    publish: (cell, byte) => {
      this.published += 1;
      this.bytes.set(cell, byte);
    },
  });

  constructor(specs: readonly ShedRoute[] = [SEARCH, CHECKOUT, BATCH], worker = new FakeWorker(1)) {
    this.worker = worker;
    this.order.follow(specs, 0);
    this.seconds(1);
  }

  seconds(count: number): RefusalReport[] {
    const reports: RefusalReport[] = [];
    for (let n = 0; n < count * SLICES; n++) {
      this.nowMs += 100;
      reports.push(...this.order.turn([this.worker.region], this.nowMs));
    }
    return reports;
  }

  /** What a route and one of its versions counted. */
  count(routeCell: number, cell: number, finished: number, bad = 0): void {
    for (const one of [routeCell, cell]) {
      this.worker.add(one, CELL.finished, finished);
      this.worker.add(one, CELL.bad, bad);
    }
  }

  /** Requests of a route that a version refused, by number of their priority. */
  refuse(routeCell: number, cell: number, count: number, priority = 1): void {
    this.worker.add(routeCell, CELL.finished, count);
    this.worker.add(routeCell, CELL.bad, count);
    this.worker.add(routeCell, CELL.reasons + REASON.shed, count);
    this.worker.add(cell, CELL.ignored, count);
    this.worker.add(cell, CELL.shed + priority, count);
  }

  get standings(): (number | undefined)[] {
    return [1, 3, 4, 6].map((cell) => this.bytes.get(cell));
  }
}

describe('the order of shedding', () => {
  it('is put into words once a turn, however many routes of a version ask', () => {
    const desk = new Desk();
    const told = desk.order.ofVersion('shop/v1');
    assert.equal(desk.order.ofVersion('shop/v1'), told);
    desk.seconds(1);
    assert.notEqual(desk.order.ofVersion('shop/v1'), told);
    assert.deepEqual(desk.order.ofVersion('shop/v1'), told);
  });

  it('says what a version is cut by in the cell that shows its limit, and takes it back', () => {
    const desk = new Desk();
    const before = new Map(desk.bytes);
    const [version] = SEARCH.versions;
    desk.cuts.set(version?.name ?? '', 8);
    desk.seconds(1);
    const shownIn = version?.shownIn ?? -1;
    assert.equal(cutAt(Uint8Array.of(desk.bytes.get(shownIn) ?? 0), 0), 8);
    for (const [cell, byte] of desk.bytes) if (cell !== shownIn) assert.equal(byte, before.get(cell));
    desk.cuts.clear();
    desk.seconds(1);
    assert.deepEqual(desk.bytes, before);
  });

  it('follows the budgets within a second, and says why', () => {
    const desk = new Desk();
    assert.deepEqual(desk.standings, [3, 3, STANDING_CANARY, 3], 'nobody has a budget');
    desk.left.set('search', { remainingRatio: 0.92, fast: [] });
    desk.left.set('checkout', { remainingRatio: 0.04, fast: [] });
    desk.seconds(1);
    assert.deepEqual(desk.standings, [3, 0, STANDING_CANARY, 3]);
    assert.deepEqual(desk.order.ofRoute('checkout'), {
      priority: 'default',
      remainingRatio: 0.04,
      standing: 0,
      isBurning: false,
      because: '4 % of its budget left',
    });
    assert.deepEqual(desk.order.ofVersion('shop/v1'), {
      isCurbed: false,
      sentence:
        'of default requests to shop/v1, those of search (92 % of its budget left) go first, those of checkout (4 % of its budget left) last',
    });
    assert.deepEqual([desk.order.ofRoute('other'), desk.order.ofVersion('shop/v9')], [null, null]);
  });

  it('publishes what changes and nothing else', () => {
    const desk = new Desk();
    const before = desk.published;
    desk.seconds(10);
    assert.equal(desk.published, before);
    desk.left.set('search', { remainingRatio: 0.5, fast: [] });
    desk.seconds(10);
    assert.equal(desk.published, before + 1);
  });

  it('judges no route while nothing happens, and of 1,000 the one of which something did', () => {
    const many = Array.from({ length: 1000 }, (_, n): ShedRoute => {
      return { ...SEARCH, route: `route-${n}`, cell: 7 + 2 * n, versions: [{ ...V1, cell: 8 + 2 * n }] };
    });
    const desk = new Desk([SEARCH, CHECKOUT, BATCH, ...many], new FakeWorker(1, viewTallies(reserveTallies())));
    const judgedIn = (seconds: number): number => {
      const before = desk.judged;
      desk.seconds(seconds);
      return desk.judged - before;
    };
    assert.equal(judgedIn(60), 0);
    desk.left.set('route-500', { remainingRatio: 0.5, fast: [] });
    assert.equal(judgedIn(60), 1, 'its budget moved');
    desk.weights.set(STABLE_DIAL, 0);
    assert.equal(judgedIn(60), 1, 'the weight that puts its canary last is gone');
    desk.count(2007, 2008, 1);
    assert.equal(judgedIn(1), 0, 'a cell of nobody');
    desk.count(2005, 2006, 1);
    assert.equal(judgedIn(60), 1 + LOOKS_AFTER, 'an exchange ended');
    desk.worker = new FakeWorker(2, viewTallies(reserveTallies()));
    assert.equal(judgedIn(1), 1003, 'a worker has left: everybody is read one last time');
    assert.equal(judgedIn(60), 0);
  });

  it('puts a canary last as long as its stable version has weight', () => {
    const desk = new Desk();
    desk.weights.set(STABLE_DIAL, 0);
    desk.seconds(1);
    assert.deepEqual(desk.standings, [3, 3, 3, 3]);
    desk.weights.set(STABLE_DIAL, 1);
    desk.seconds(1);
    assert.deepEqual(desk.standings, [3, 3, STANDING_CANARY, 3]);
  });

  it('curbs a version while an important route of it burns fast, in the cell that shows its admission', () => {
    const desk = new Desk();
    desk.left.set('search', { remainingRatio: 0.92, fast: FAST });
    desk.count(0, 1, 1000, 20);
    desk.seconds(2);
    assert.deepEqual(desk.standings, [0 | CURB, 3, STANDING_CANARY, 3]);
    assert.deepEqual(desk.order.ofVersion('shop/v1')?.isCurbed, true);
    assert.match(
      desk.order.ofVersion('shop/v1')?.sentence ?? '',
      /; best-effort requests to shop\/v1 .* as search burns/,
    );
    desk.order.follow([SEARCH, CHECKOUT, BATCH], desk.nowMs);
    desk.seconds(1);
    assert.deepEqual(desk.standings, [0 | CURB, 3, STANDING_CANARY, 3], 'also after a change of the configuration');
    desk.left.set('search', { remainingRatio: 0.92, fast: [] });
    desk.seconds(2);
    assert.deepEqual(desk.standings, [3, 3, STANDING_CANARY, 3]);
  });

  it('does not when best-effort requests burn, when refusals do, or when the canary is at fault', () => {
    const fast = { remainingRatio: 0.5, fast: FAST };
    const batch = new Desk();
    batch.left.set('batch', fast);
    batch.count(5, 6, 1000, 20);
    const refused = new Desk();
    refused.left.set('search', fast);
    refused.count(0, 1, 1000);
    refused.refuse(0, 1, 500);
    const canary = new Desk();
    canary.left.set('checkout', fast);
    canary.count(2, 3, 900);
    canary.count(2, 4, 100, 50);
    const read = (desk: Desk) => {
      desk.seconds(2);
      return ['shop/v1', 'shop/v2'].map((name) => desk.order.ofVersion(name)?.isCurbed);
    };
    assert.deepEqual([batch, refused, canary].map(read), [
      [false, false],
      [false, false],
      [false, false],
    ]);
    assert.equal(batch.order.ofRoute('batch')?.standing, 0, 'it burns all the same');
    assert.equal(refused.order.ofRoute('search')?.standing, 2, 'which refusals do not make it do');
    assert.equal(canary.order.ofRoute('checkout')?.standing, 0);
    canary.count(2, 3, 900, 60);
    assert.deepEqual(read(canary), [true, true], 'when stable fails as well, both are');
  });

  it('tells when a version begins to refuse and when it has ceased, with numbers', () => {
    const desk = new Desk();
    desk.left.set('search', { remainingRatio: 0.92, fast: [] });
    desk.left.set('checkout', { remainingRatio: 0.04, fast: [] });
    desk.seconds(1);
    desk.refuse(0, 1, 5);
    const [began, ...none] = desk.seconds(2);
    assert.deepEqual([began?.state, began?.version, none.length], ['begins', 'shop/v1', 0]);
    assert.deepEqual(began?.refused, { critical: 0, default: 5, degraded: 0, 'best-effort': 0 });
    assert.match(
      began?.sentence ?? '',
      /^shop\/v1 refused 5 requests in 1 s: 5 default; of default requests to shop\/v1, those of search/,
    );
    desk.refuse(2, 3, 2);
    desk.refuse(5, 6, 40, 3);
    assert.deepEqual(desk.seconds(9), []);
    const ended = desk.seconds(5);
    assert.equal(ended.length, 1);
    assert.deepEqual(ended[0]?.routes, [
      { route: 'batch', refused: 40 },
      { route: 'search', refused: 5 },
      { route: 'checkout', refused: 2 },
    ]);
    assert.match(ended[0]?.sentence ?? '', /^shop\/v1 refused 47 requests in \d s: 7 default, 40 best-effort; /);
    desk.refuse(2, 3, 1);
    assert.deepEqual(desk.seconds(2)[0]?.routes, [{ route: 'checkout', refused: 1 }], 'the next time counts anew');
  });

  it('counts what a worker did that has gone', () => {
    const desk = new Desk();
    desk.refuse(0, 1, 3);
    desk.worker = new FakeWorker(2);
    assert.equal(desk.seconds(1)[0]?.refused.default, 3);
  });

  it('keeps what it knows over a configuration, and clears the bytes of what has gone', () => {
    const desk = new Desk();
    desk.left.set('search', { remainingRatio: 0.71, fast: [] });
    desk.left.set('search', { remainingRatio: 0.69, fast: [] });
    desk.refuse(0, 1, 5);
    desk.seconds(2);
    desk.left.set('search', { remainingRatio: 0.71, fast: [] });
    desk.order.follow([SEARCH, { ...BATCH, priority: 'degraded' }], desk.nowMs);
    assert.deepEqual(desk.standings, [2, 0, 0, 3], 'a standing that hovers, bytes of cells that may be another’s soon');
    assert.equal(desk.order.ofVersion('shop/v2'), null);
    assert.deepEqual(
      desk.seconds(12).map(({ state, refused }) => [state, refused.default]),
      [['ends', 5]],
    );
    desk.order.follow([], desk.nowMs);
    assert.deepEqual(desk.standings, [0, 0, 0, 0]);
    desk.worker.add(1, CELL.shed + 1, 9);
    desk.order.follow([SEARCH], desk.nowMs);
    assert.deepEqual(desk.seconds(2), [], 'what others counted in a cell is the past');
  });
});
