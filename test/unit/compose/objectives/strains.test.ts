/** A low score: more of the access log, less concurrency, one line each way. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { largerShares, Strains } from '#src/compose/objectives/strains.ts';
import type { Log } from '#src/lib/log.ts';
import type { SloSource } from '#src/model/slo.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { objectivesOf } from '#src/snapshot/objectives.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';

const TEXT = `services:
  shop:
    slo: {availability: 0.99, composite: {target: 0.99, atLeast: 0.9, whileBelow: {concurrency: 0.25}}}
    versions:
      v1: {endpoints: ["127.0.0.1:7001"]}
      v2: {endpoints: ["127.0.0.1:7002"]}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1, weight: 75}]
    matches: [{path: {value: /shop}}]
    slo: {availability: 0.99, composite: {target: 0.99, atLeast: 0.9, whileBelow: {accessLog: 0.5, concurrency: 0.5}}}
  - name: other
    matches: [{path: {value: /other}}]
    backendRefs: [{name: shop, version: v2}]
`;

class Desk {
  readonly lines: string[] = [];
  told = 0;
  readonly current: Current;
  readonly sources: SloSource[];
  readonly strains: Strains;

  constructor() {
    const store = new Store({ file: '', dials: createDials(), wallTime: () => '', mayRecycle: () => false });
    store.offer(parseConfig(TEXT, '', {}));
    this.current = store.current as Current;
    this.sources = objectivesOf(this.current.config, this.current.snapshot);
    const warn = (event: string, { objective, state }: Record<string, unknown>) =>
      void this.lines.push(`${event} ${String(objective)} ${String(state)}`);
    this.strains = new Strains({
      log: { warn } as unknown as Log,
      logMore: () => {
        this.told += 1;
      },
    });
    this.strains.follow(this.current, []);
  }

  get cuts(): number[] {
    return ['shop/v1', 'shop/v2'].map((version) => this.strains.cutOf(version));
  }
}

describe('a strain', () => {
  it('takes a part of the limits and logs more while it lasts, and is told twice', () => {
    const desk = new Desk();
    const [route] = desk.sources as [SloSource];
    desk.strains.turn([route]);
    desk.strains.turn([route]);
    assert.deepEqual(desk.cuts, [8, 0]);
    const cell = desk.current.snapshot.routes[0]?.splits[0]?.cell as number;
    assert.deepEqual([...desk.strains.logged], [[cell, 0.5]]);
    desk.strains.turn([]);
    assert.deepEqual([desk.cuts, [...desk.strains.logged]], [[0, 0], []]);
    assert.deepEqual(desk.lines, ['slo_strain route/shop/composite begins', 'slo_strain route/shop/composite ends']);
    assert.equal(desk.told, 2);
  });

  it('of a service and of a route meet in the harder one', () => {
    const desk = new Desk();
    desk.strains.turn(desk.sources);
    assert.deepEqual(desk.cuts, [12, 12]);
    assert.deepEqual(new Set(desk.strains.logged.values()), new Set([0, 0.5]));
  });

  it('ends when a configuration does not have it any more', () => {
    const desk = new Desk();
    desk.strains.turn(desk.sources);
    desk.strains.follow(desk.current, []);
    assert.deepEqual(desk.cuts, [0, 0]);
    assert.equal(desk.lines.length, 4);
  });
});

it('of two shares the larger one is logged', () => {
  const shares = new Map([
    [1, 0.5],
    [2, 1],
  ]);
  assert.equal(largerShares(shares, new Map()), shares);
  const both = largerShares(shares, new Map([[1, 0.7], [2, 0.1], [3, 0.2]])); // biome-ignore format: a table
  assert.deepEqual([...both], [[1, 0.7], [2, 1], [3, 0.2]]); // biome-ignore format: a table
});
