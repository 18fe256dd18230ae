import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config, RouteConfig } from '#src/model/config.ts';
import type { ParseResult } from '#src/model/problem.ts';
import type { RouteHold } from '#src/model/rollout.ts';
import { UNITS_MAX } from '#src/model/tallies.ts';
import { createDials, type Dials, getDial } from '#src/snapshot/dials.ts';
import { generationOf, liveOverrides } from '#src/snapshot/overrides.ts';
import { type OfferResult, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND, SOUND_ROLLOUT } from '../../support/config.ts';

interface Rig {
  readonly store: Store;
  readonly dials: Dials;
  /** Parses a document and offers it. */
  readonly offer: (text: string) => OfferResult;
  readonly weights: () => number[];
}

function rig(): Rig {
  const dials = createDials();
  let seconds = 0;
  const wallTime = (): string => new Date(1000 * seconds++).toISOString();
  const store = new Store({ file: 'gateway.yaml', dials, wallTime, mayRecycle: () => false });
  const splits = () => store.current?.snapshot.routes.flatMap((route) => route.splits) ?? [];
  return {
    store,
    dials,
    offer: (text) => store.offer(parseConfig(text, 'gateway.yaml', {})),
    weights: () => splits().map(({ dial }) => getDial(dials, dial)),
  };
}

/** A document with the first weight `weight`. */
function weighing(weight: number): string {
  return SOUND_ROLLOUT.replace('95', String(weight));
}

/** v2 held at a weight, as a rollback does it. */
function hold(store: Store, weight: number): RouteHold {
  const generation = store.generationOf('shop') ?? '';
  return { route: 'shop', generation, because: 'it was worse', weights: [{ version: 'v2', weight }] };
}

/** The operator's weights again. */
function release(store: Store): boolean {
  return store.holdRoute({ ...hold(store, 0), weights: [] });
}

describe('before the first configuration', () => {
  test('there is nothing in force', () => {
    const { store } = rig();
    assert.equal(store.current, null);
    assert.equal(store.generationOf('shop'), null);
    assert.equal(store.holdRoute(hold(store, 0)), false);
    const { revision, hash, loadedAt, reloads } = store.status();
    assert.deepEqual([revision, hash, loadedAt, reloads], [0, '', '', { accepted: 0, refused: 0 }]);
  });

  test('a refused one leaves it so', () => {
    const { store, offer } = rig();
    assert.equal(offer('').kind, 'refused');
    assert.equal(store.current, null);
    assert.deepEqual(store.status().reloads, { accepted: 0, refused: 1 });
  });
});

describe('an accepted configuration', () => {
  test('is in force, with its dials set and a revision one higher', () => {
    const { store, offer, weights } = rig();
    const first = offer(SOUND);
    assert.ok(first.kind === 'swapped' && first.before === null);
    assert.equal(first.current, store.current);
    assert.deepEqual(weights(), [95, 5]);
    const second = offer(SOUND.replace('95', '90'));
    assert.ok(second.kind === 'swapped' && second.before === first.current);
    assert.deepEqual([first.current.snapshot.revision, second.current.snapshot.revision], [1, 2]);
    assert.deepEqual(weights(), [90, 5]);
    assert.equal(store.status().loadedAt, second.current.at);
  });

  test('brings its warnings along', () => {
    const { offer } = rig();
    const result = offer(SOUND.replace('"127.0.0.1:7002"', ''));
    assert.ok(result.kind === 'swapped');
    assert.deepEqual(
      result.warnings.map(({ code }) => code),
      ['SLU1901'],
    );
  });

  test('with the content in force is no new revision, but an accepted attempt', () => {
    const { store, offer } = rig();
    offer(SOUND);
    offer('broken: [');
    const result = offer(`# comment\n${SOUND}`);
    assert.equal(result.kind, 'unchanged');
    assert.equal(store.current?.snapshot.revision, 1);
    assert.deepEqual(store.status().reloads, { accepted: 2, refused: 1 });
    assert.deepEqual([store.status().last.result, store.status().last.problems], ['accepted', []]);
  });

  test('that came back after another is a new revision with the old hash', () => {
    const { store, offer } = rig();
    const hashes = [95, 90, 95].map((weight) => {
      offer(weighing(weight));
      return store.status().hash;
    });
    assert.equal(store.status().revision, 3);
    assert.equal(hashes[2], hashes[0]);
  });
});

describe('a refused configuration', () => {
  test('changes nothing but the count and the last result', () => {
    const { store, offer, weights } = rig();
    offer(SOUND);
    const { current } = store;
    const result = offer(SOUND.replace('95', '-1'));
    assert.ok(result.kind === 'refused');
    assert.deepEqual(
      result.problems.map(({ code }) => code),
      ['SLU1041'],
    );
    assert.equal(store.current, current);
    assert.deepEqual(weights(), [95, 5]);
    const { revision, reloads, last } = store.status();
    assert.deepEqual([revision, reloads], [1, { accepted: 1, refused: 1 }]);
    assert.deepEqual([last.result, last.problems], ['refused', result.problems]);
  });

  test('for want of counters is a problem, not a crash', () => {
    const { store, dials } = rig();
    const base = parseConfig(SOUND_ROLLOUT, 'gateway.yaml');
    assert.ok(base.ok);
    const [route] = base.config.routes;
    assert.ok(route !== undefined);
    const named = (prefix: string): ParseResult => {
      const routes = Array.from({ length: UNITS_MAX / 2 }, (_, index) => ({ ...route, name: `${prefix}${index}` }));
      return { ...base, config: { ...base.config, routes } };
    };
    assert.equal(store.offer(named('a')).kind, 'swapped');
    const { current } = store;
    const before = dials.slice();
    const refused = store.offer(named('b'));
    assert.ok(refused.kind === 'refused');
    assert.equal(refused.problems[0]?.code, 'SLU_CELLS_EXHAUSTED');
    assert.equal(store.current, current);
    assert.deepEqual(dials.slice(), before);
    assert.equal(store.offer(named('a')).kind, 'unchanged');
  });
});

describe('a hold of a whole route', () => {
  const STEPPED = SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, steps: default');

  test('replaces what was held, all at once, and lets go with nothing', () => {
    const { store, offer, weights } = rig();
    offer(STEPPED);
    assert.deepEqual(weights(), [95_000, 5000]);
    const held = { route: 'shop', generation: store.generationOf('shop') ?? '', because: 'step 1' };
    const step = (canary: number) => [
      { version: 'v2', weight: canary },
      { version: 'v1', weight: 100_000 - canary },
    ];
    assert.equal(store.holdRoute({ ...held, weights: step(1000) }), true);
    assert.deepEqual(weights(), [99_000, 1000]);
    assert.equal(store.holdRoute({ ...held, weights: [{ version: 'v2', weight: 0 }] }), true);
    assert.deepEqual(weights(), [95_000, 0]);
    offer(`workers: 2\n${STEPPED}`);
    assert.deepEqual(weights(), [95_000, 0], 'it outlives a reload of something else');
    assert.equal(store.holdRoute({ ...held, weights: [] }), true);
    assert.deepEqual([weights(), store.overrides], [[95_000, 5000], []]);
  });

  test('of another generation does nothing', () => {
    const { store, offer, weights } = rig();
    offer(STEPPED);
    const weightsHeld = [{ version: 'v2', weight: 0 }];
    assert.equal(store.holdRoute({ route: 'shop', generation: 'other', because: '', weights: weightsHeld }), false);
    assert.deepEqual(weights(), [95_000, 5000]);
  });

  test('is told in the operator’s units when health moves a weight', () => {
    const { store, offer } = rig();
    offer(STEPPED);
    const [shift] = store.setDown(new Set(['shop/v2']));
    assert.deepEqual([shift?.before, shift?.after], [5, 0]);
  });
});

describe('among many routes', () => {
  const STEPPED = SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, steps: default');
  const parsed = parseConfig(STEPPED, 'gateway.yaml');
  assert.ok(parsed.ok);
  const [route] = parsed.config.routes;
  assert.ok(route !== undefined);

  /** Routes that say when somebody looks at them. */
  function watched(count: number) {
    const looked = new Set<string>();
    const routes = Array.from({ length: count }, (_, n): RouteConfig => {
      const name = `route-${n}`;
      const own = { ...route, name } as RouteConfig;
      const get = (of: RouteConfig, field: string | symbol): unknown => {
        looked.add(name);
        return Reflect.get(of, field);
      };
      return new Proxy(own, { get });
    });
    return { looked, config: { ...(parsed as { config: Config }).config, routes } };
  }

  test('a hold, and why a weight is what it is, cost one route', () => {
    const { store, dials } = rig();
    const { looked, config } = watched(50);
    store.offer({ ok: true, config, warnings: [], hash: 'h' });
    const holdOn = (name: string): boolean =>
      store.holdRoute({ ...hold(store, 0), route: name, generation: store.generationOf(name) ?? '' });
    holdOn('route-1');
    looked.clear();
    assert.equal(holdOn('route-7'), true);
    const split = store.current?.snapshot.routes[7]?.splits[1];
    assert.ok(split !== undefined);
    assert.deepEqual([getDial(dials, split.dial), store.weightReason('route-7', split)], [0, 'it was worse']);
    assert.deepEqual([...looked], ['route-7']);
    assert.equal(store.overrides.length, 2);
  });

  test('a reload looks at those alone that are held', () => {
    const { looked, config } = watched(50);
    const held = [3, 4].map((n) => {
      const name = `route-${n}`;
      return { route: name, version: 'v2', weight: 0, because: '', generation: generationOf(config, name) ?? '' };
    });
    looked.clear();
    assert.equal(liveOverrides(config, held).live.length, 2);
    assert.deepEqual([...looked], ['route-3', 'route-4']);
  });
});

describe('a hold', () => {
  test('sets the dial at once, instead of the one before', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    assert.ok(store.holdRoute(hold(store, 0)));
    assert.deepEqual(weights(), [95, 0]);
    assert.ok(store.holdRoute(hold(store, 1)));
    assert.equal(store.overrides.length, 1);
  });

  test('outlives a reload of something else', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    store.holdRoute(hold(store, 0));
    const result = offer(`workers: 2\n${SOUND_ROLLOUT}`);
    assert.ok(result.kind === 'swapped');
    assert.deepEqual(result.lifted, []);
    assert.deepEqual(weights(), [95, 0]);
  });

  test('is lifted when the split changes, and not by a document that is refused', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    store.holdRoute(hold(store, 0));
    const [override] = store.overrides;
    offer(weighing(-1));
    assert.deepEqual(store.overrides, [override]);
    const result = offer(weighing(90));
    assert.ok(result.kind === 'swapped');
    assert.deepEqual(
      result.lifted.map((lifted) => lifted.override),
      [override],
    );
    assert.deepEqual([weights(), store.overrides], [[90, 5], []]);
  });

  test('decided for another generation or route is stale and does nothing', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    const before = hold(store, 0);
    offer(weighing(90));
    for (const stale of [before, { ...hold(store, 0), route: 'x' }]) assert.equal(store.holdRoute(stale), false);
    assert.deepEqual([weights(), store.overrides], [[90, 5], []]);
  });

  test('of nothing gives the operator’s weights back', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    store.holdRoute(hold(store, 0));
    assert.ok(release(store));
    assert.deepEqual([weights(), store.overrides], [[95, 5], []]);
  });
});

describe('a version that is down', () => {
  const DOWN = new Set(['shop/v1']);

  test('gives its weight up and has it back exactly, each shift told once', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    const because = 'every endpoint fails its health check';
    const shift = { route: 'shop', service: 'shop', version: 'v1' };
    assert.deepEqual(store.setDown(DOWN), [{ ...shift, before: 95, after: 0, because }]);
    assert.deepEqual([weights(), store.setDown(DOWN)], [[0, 5], []]);
    const back = { ...shift, before: 0, after: 95, because: 'an endpoint passes its health check again' };
    assert.deepEqual([store.setDown(new Set()), weights()], [[back], [95, 5]]);
  });

  test('loses nothing to a hold that comes or goes meanwhile, in either order', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    store.holdRoute(hold(store, 40));
    store.setDown(new Set(['shop/v2']));
    assert.deepEqual(weights(), [95, 0]);
    store.holdRoute(hold(store, 30));
    assert.deepEqual(weights(), [95, 0], 'a hold does not wake it');
    store.setDown(new Set());
    assert.deepEqual(weights(), [95, 30], 'back at what is held now');
    store.setDown(new Set(['shop/v2']));
    release(store);
    assert.deepEqual(weights(), [95, 0]);
    store.setDown(new Set());
    assert.deepEqual(weights(), [95, 5]);
  });

  test('takes its traffic back when the one that took over is rolled back', () => {
    const { store, offer, dials, weights } = rig();
    offer(SOUND_ROLLOUT);
    store.setDown(DOWN);
    // As the controller does: the dial first, in one store, then the hold.
    const canary = store.current?.snapshot.routes[0]?.splits[1]?.dial as number;
    Atomics.store(dials, canary, 0);
    store.holdRoute(hold(store, 0));
    assert.deepEqual(weights(), [95, 0]);
  });

  test('stays down over a reload and says why', () => {
    const { store, offer, weights } = rig();
    offer(SOUND_ROLLOUT);
    store.setDown(DOWN);
    offer(weighing(60));
    assert.deepEqual(weights(), [0, 5]);
    const [v1, v2] = store.current?.snapshot.routes[0]?.splits ?? [];
    assert.ok(v1 !== undefined && v2 !== undefined);
    assert.equal(store.weightReason('shop', v1), 'every endpoint fails its health check');
    assert.equal(store.weightReason('shop', v2), '');
    store.holdRoute(hold(store, 0));
    assert.equal(store.weightReason('shop', v2), 'it was worse');
    assert.match(store.weightReason('shop', v1), /fails its health check, and no other version can take over/);
  });

  test('before the first configuration shifts nothing', () => {
    const { store } = rig();
    assert.deepEqual(store.setDown(DOWN), []);
  });
});

describe('a version that drifts', () => {
  const DRIFTING = SOUND_ROLLOUT.replace('availability: 0.999', 'availability: 0.999, drift: {}');
  const half = new Map([['shop/shop/v1', { keepRatio: 0.5, because: 'it drifts' }]]);
  const off = new Map([['shop/shop/v1', { keepRatio: 0, because: 'it is offline' }]]);

  test('keeps a part of its weight, in thousandths, and has it back exactly', () => {
    const { store, offer, weights } = rig();
    offer(DRIFTING);
    assert.deepEqual(weights(), [95_000, 5000]);
    const shift = { route: 'shop', service: 'shop', version: 'v1' };
    assert.deepEqual(store.setDrifters(half), [{ ...shift, before: 95, after: 47.5, because: 'it drifts' }]);
    assert.deepEqual(weights(), [47_500, 5000]);
    const back = { ...shift, before: 47.5, after: 95, because: 'it does not drift any more' };
    assert.deepEqual(store.setDrifters(new Map()), [back]);
  });

  test('that is offline gets nothing, over reloads and holds, unless nobody else can take over', () => {
    const { store, offer, weights } = rig();
    offer(DRIFTING);
    store.setDrifters(off);
    assert.deepEqual(weights(), [0, 5000]);
    offer(`workers: 2\n${DRIFTING}`);
    assert.deepEqual(weights(), [0, 5000]);
    store.holdRoute(hold(store, 0));
    assert.deepEqual(weights(), [95_000, 0]);
    const [v1] = store.current?.snapshot.routes[0]?.splits ?? [];
    assert.ok(v1 !== undefined);
    assert.equal(store.weightReason('shop', v1), 'it is offline, and no other version can take over');
  });

  test('and one that is down do not take over from one another', () => {
    const { store, offer, weights } = rig();
    offer(DRIFTING);
    store.setDrifters(off);
    store.setDown(new Set(['shop/v2']));
    assert.deepEqual(weights(), [95_000, 5000]);
  });
});
