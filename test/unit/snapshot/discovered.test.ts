import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '#src/model/config.ts';
import { createDials, getDial } from '#src/snapshot/dials.ts';
import { FIND_NONE, hasSameEndpoints, withDiscovered } from '#src/snapshot/discovered.ts';
import { type OfferResult, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { configOf, SOUND, SOUND_ROLLOUT } from '../../support/config.ts';

const LOOKING = SOUND.replace('v2: {endpoints: ["127.0.0.1:7002"]}', 'v2: {endpoints: {srv: {name: shop.test}}}');
const found = (...ports: readonly number[]) => ports.map((port) => ({ host: '10.0.0.1', port, weight: 1 }));

function endpointsOf({ services }: Config): (readonly number[])[] {
  return services.flatMap(({ versions }) => versions.map(({ endpoints }) => endpoints.map(({ port }) => port)));
}

test('a configuration that looks nothing up is the same object', () => {
  const config = configOf(SOUND);
  assert.equal(
    withDiscovered(config, () => assert.fail('asked')),
    config,
  );
});

test('what is found is put where it was asked for, and nowhere else', () => {
  const config = configOf(LOOKING);
  const filled = withDiscovered(config, (from, terms) => {
    assert.deepEqual(from, { kind: 'srv', name: 'shop.test' });
    assert.equal(terms, config.services[0]?.versions[1]);
    return found(1, 2);
  });
  assert.deepEqual(endpointsOf(filled), [[7001], [1, 2]]);
  assert.deepEqual(endpointsOf(withDiscovered(config, FIND_NONE)), [[7001], []]);
  assert.deepEqual(endpointsOf(config), [[7001], []]);
});

test('endpoints are the same with the same addresses and weights in the same order', () => {
  const config = configOf(LOOKING);
  const filled = (...ports: readonly number[]) => withDiscovered(config, () => found(...ports));
  assert.ok(hasSameEndpoints(filled(1, 2), filled(1, 2)));
  for (const other of [filled(1), filled(2, 1), filled(1, 3), filled(1, 2, 3)]) {
    assert.ok(!hasSameEndpoints(filled(1, 2), other));
  }
  const heavy = withDiscovered(config, () => found(1, 2).map((endpoint) => ({ ...endpoint, weight: 2 })));
  assert.ok(!hasSameEndpoints(filled(1, 2), heavy));
});

test('a service for which the same was found is the same object, another is not', () => {
  const config = configOf(LOOKING);
  const first = withDiscovered(config, () => found(1));
  const [again, other] = [withDiscovered({ ...config }, () => found(1)), withDiscovered(config, () => found(2))];
  assert.equal(again.services[0], first.services[0]);
  assert.notEqual(other.services[0], first.services[0]);
});

describe('endpoints that the store looks up', () => {
  const RAMPED = SOUND_ROLLOUT.replace('{endpoints: ["127.0.0.1:7002"]}', '{endpoints: {srv: {name: shop.test}}}');

  function looking() {
    const dials = createDials();
    const store = new Store({ file: 'gateway.yaml', dials, wallTime: () => 'now', mayRecycle: () => false });
    const offer = (text: string): OfferResult => store.offer(parseConfig(text, 'gateway.yaml', {}));
    const splits = () => store.current?.snapshot.routes.flatMap((route) => route.splits) ?? [];
    const weights = () => splits().map(({ dial }) => getDial(dials, dial));
    let ports: readonly number[] = [];
    store.discoverBy(() => ports.map((port) => ({ host: '10.0.0.1', port, weight: 1 })));
    const find = (...found: readonly number[]): OfferResult | null => {
      ports = found;
      return store.rediscover();
    };
    const addresses = () =>
      store.current?.snapshot.endpoints.flatMap((one) => (one === null ? [] : [`${one.id} ${one.port}`]));
    return { store, offer, weights, find, addresses };
  }

  test('are not looked up before there is a configuration', () => {
    assert.equal(looking().find(1), null);
  });

  test('make a snapshot of the same configuration, neither counted nor remembered as another one', () => {
    const { store, offer, weights, find, addresses } = looking();
    offer(RAMPED);
    assert.deepEqual([weights()[1], addresses()], [0, ['0 7001']]);
    const { hash } = store.status();
    const result = find(1, 2);
    assert.ok(result?.kind === 'swapped' && result.before?.snapshot.revision === 1);
    assert.deepEqual([weights()[1], addresses()], [5, ['0 7001', '1 1', '2 2']]);
    const { revision, hash: after, reloads } = store.status();
    assert.deepEqual([revision, after, reloads], [2, hash, { accepted: 1, refused: 0 }]);
    assert.equal(find(1, 2), null);
    assert.equal(offer(RAMPED).kind, 'unchanged');
  });

  test('that leave and come back have the counters that they had', () => {
    const { offer, find, addresses } = looking();
    offer(RAMPED);
    find(1, 2);
    find(2);
    assert.deepEqual(addresses(), ['0 7001', '2 2']);
    find(3, 1);
    assert.deepEqual(addresses(), ['0 7001', '1 1', '3 3']);
  });

  test('lift no hold and begin no other generation, however often they change; another question does', () => {
    const { store, offer, find, weights } = looking();
    offer(RAMPED);
    find(1);
    const generation = store.generationOf('shop') as string;
    assert.ok(
      store.holdRoute({ route: 'shop', generation, because: 'it was worse', weights: [{ version: 'v2', weight: 0 }] }),
    );
    find(2, 3);
    offer(RAMPED.replace('95', '95 # the same'));
    assert.equal(store.generationOf('shop'), generation);
    assert.deepEqual([store.overrides.length, weights()[1]], [1, 0]);
    offer(RAMPED.replace('shop.test', 'other.test'));
    assert.deepEqual([store.overrides.length, weights()[1]], [0, 5]);
  });

  test('that are too many leave the ones in force', () => {
    const { store, offer, find, addresses } = looking();
    offer(RAMPED);
    find(1);
    store.discoverBy(() =>
      Array.from({ length: 70_000 }, (_, n) => ({ host: `10.1.${n >> 8}.${n & 255}`, port: 80, weight: 1 })),
    );
    const result = store.rediscover();
    assert.ok(result?.kind === 'refused');
    assert.match(result.problems[0]?.got ?? '', /^endpoints: 70001 are wanted/);
    assert.deepEqual(addresses(), ['0 7001', '1 1']);
  });
});
