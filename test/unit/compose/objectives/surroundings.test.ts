/** Health of endpoints and breakers of dependencies, weighted as traffic is. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SurroundingsReader, splitsOf } from '#src/compose/objectives/surroundings.ts';
import type { SloSource } from '#src/model/slo.ts';
import type { SplitSpec } from '#src/model/snapshot.ts';
import { createDials, getDial, setDial } from '#src/snapshot/dials.ts';
import { objectivesOf } from '#src/snapshot/objectives.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';

const TEXT = `services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:7001", {address: "127.0.0.1:7002", weight: 3}]}
      v2: {endpoints: ["127.0.0.1:7003"]}
  stock:
    breaker: {}
    versions:
      v1: {endpoints: ["127.0.0.1:7004"]}
      v2: {endpoints: ["127.0.0.1:7005"]}
routes:
  - name: shop
    matches: [{path: {value: /shop}}]
    backendRefs: [{name: shop, version: v1, weight: 75}, {name: shop, version: v2, weight: 25}]
    slo: {availability: 0.99, composite: {target: 0.99, atLeast: 0.9, dependencies: [stock]}}
  - name: stock
    matches: [{path: {value: /stock}}]
    backendRefs: [{name: stock, version: v1, weight: 9}, {name: stock, version: v2, weight: 1}]
    slo: {availability: 0.99}
`;

class Desk {
  readonly dials = createDials();
  readonly out = new Set<string>();
  readonly breakers = new Map<number, { readonly open: number; readonly halfOpen: number }>();
  readonly current: Current;
  readonly sources: SloSource[];
  readonly reader = new SurroundingsReader({
    isOut: (id) => this.out.has(String(this.current.snapshot.endpoints[id]?.port)),
    breaker: (cell) => this.breakers.get(cell) ?? { open: 0, halfOpen: 0 },
    workers: () => 4,
    weightOf: (dial) => getDial(this.dials, dial),
  });

  constructor() {
    const store = new Store({ file: '', dials: this.dials, wallTime: () => '', mayRecycle: () => false });
    store.offer(parseConfig(TEXT, '', {}));
    this.current = store.current as Current;
    this.sources = objectivesOf(this.current.config, this.current.snapshot);
    this.reader.follow(this.current, this.sources);
  }

  split(service: string, version: string): SplitSpec {
    const splits = splitsOf(this.current.snapshot.routes, { scope: 'service', name: service });
    return splits.find((one) => one.version === version) as SplitSpec;
  }

  get now() {
    return this.reader.of(this.sources[0] as SloSource);
  }
}

describe('surroundings', () => {
  it('are whole when all is well', () => {
    assert.deepEqual(new Desk().now, { health: 1, dependencies: 1 });
  });

  it('count endpoints by their weight and versions by theirs', () => {
    const desk = new Desk();
    desk.out.add('7002');
    assert.equal(desk.now.health, 0.75 * 0.25 + 0.25);
    desk.out.add('7003');
    assert.equal(desk.now.health, 0.75 * 0.25);
  });

  it('forget a version without weight, unless none has any', () => {
    const desk = new Desk();
    desk.out.add('7003');
    setDial(desk.dials, desk.split('shop', 'v2').dial, 0);
    assert.equal(desk.now.health, 1);
    setDial(desk.dials, desk.split('shop', 'v1').dial, 0);
    assert.equal(desk.now.health, 0.5);
  });

  it('count the breakers of a dependency by worker, half-open ones by half', () => {
    const desk = new Desk();
    desk.breakers.set(desk.split('stock', 'v1').cell, { open: 2, halfOpen: 1 });
    assert.equal(desk.now.dependencies?.toFixed(4), (1 - 0.9 * 0.625).toFixed(4));
  });

  it('are nothing for objectives without a score', () => {
    const desk = new Desk();
    assert.deepEqual(desk.reader.of(desk.sources[1] as SloSource), { health: null, dependencies: null });
  });
});
