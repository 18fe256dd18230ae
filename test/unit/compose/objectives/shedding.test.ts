/** From a document and counts to the bytes that workers read, and to lines of the log. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Shedding } from '#src/compose/objectives/shedding.ts';
import type { Log } from '#src/lib/log.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL, reserveTallies, viewTallies } from '#src/model/tallies.ts';
import { serviceSteps } from '#src/model/threads/answers/fallback.ts';
import { STANDING_CANARY } from '#src/model/threads/load/standing.ts';
import type { BudgetLeft } from '#src/slo/budget/engine.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

/** v1 and v2 are limited because of the rollout, v3 is not; `plain` leads to nothing that is. */
const DOCUMENT = `services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:7001"]}
      v2: {endpoints: ["127.0.0.1:7002"]}
  other:
    versions:
      v3: {endpoints: ["127.0.0.1:7003"]}
routes:
  - name: checkout
    matches: [{path: {value: /checkout}}]
    backendRefs: [{name: shop, version: v1, weight: 95}, {name: shop, version: v2, weight: 5}]
    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2}
  - name: search
    priority: degraded
    matches: [{path: {value: /search}}]
    backendRefs: [{name: shop, version: v1}]
  - name: plain
    backendRefs: [{name: other}]
`;

class Desk {
  readonly lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  readonly worker = new FakeWorker(1, viewTallies(reserveTallies()));
  readonly store: Store;
  readonly shedding: Shedding;
  left: BudgetLeft | null = null;
  nowMs = 0;

  constructor(document = DOCUMENT) {
    const dials = createDials();
    const note = (event: string, fields: Readonly<Record<string, unknown>>): void =>
      void this.lines.push({ event, fields });
    this.store = new Store({ file: '', dials, wallTime: () => '', mayRecycle: () => false });
    this.shedding = new Shedding({
      log: { info: note, warn: note } as unknown as Log,
      dials,
      leftOf: (route) => (route === 'checkout' ? this.left : null),
      takeMoved: () => ['checkout'],
      cutOf: () => 0,
    });
    this.store.offer(parseConfig(document, '', {}));
    this.shedding.follow(this.store.current as Current, 0);
    this.turns(10);
  }

  turns(count: number): void {
    for (let n = 0; n < count; n++) {
      this.nowMs += 100;
      this.shedding.turn([this.worker.region], this.nowMs);
    }
  }

  refuse(route: string, version: string, count = 1, priority = 1): void {
    const cell = this.cellOf(route, version);
    this.worker.add(cell, CELL.shed + priority, count);
    this.worker.add(cell, CELL.ignored, count);
    // Bad for the route.
    const own = this.#routeOf(route).cell;
    for (const word of [CELL.finished, CELL.bad, CELL.reasons + REASON.shed]) this.worker.add(own, word, count);
  }

  cellOf(route: string, version: string): number {
    const { splits, fallback } = this.#routeOf(route);
    const asked = [...splits, ...serviceSteps(fallback).map(({ split }) => split)];
    return asked.find((one) => one.version === version)?.cell ?? assert.fail();
  }

  #routeOf(route: string) {
    const { routes } = (this.store.current as Current).snapshot;
    return routes.find(({ name }) => name === route) ?? assert.fail();
  }
}

describe('shedding by error budget', () => {
  it('publishes how every route stands at versions with a limit, canaries last', () => {
    const desk = new Desk();
    desk.left = { remainingRatio: 0.05, fast: [] };
    desk.turns(10);
    const byteOf = (route: string, version: string) => desk.shedding.standings[desk.cellOf(route, version)];
    assert.deepEqual(
      [byteOf('checkout', 'v1'), byteOf('checkout', 'v2'), byteOf('search', 'v1'), byteOf('plain', 'v3')],
      [0, STANDING_CANARY, 3, 0],
    );
    assert.equal(desk.shedding.ofRoute('search')?.priority, 'degraded');
    assert.equal(desk.shedding.ofRoute('plain'), null);
    assert.equal(
      desk.shedding.ofVersion('shop/v2')?.order,
      'requests to shop/v2 go by priority, those of one priority alike whatever their route',
    );
    assert.equal(desk.shedding.ofVersion('other/v3'), null);
  });

  it('publishes how a route stands where its fallback asks another version', () => {
    const limited = DOCUMENT.replace('  other:\n', '  other:\n    overload: {limit: 5}\n');
    const step = '\n    fallback: [{type: Service, service: {name: other, version: v3}}]';
    const desk = new Desk(limited.replace('\n    rollout:', `${step}\n    rollout:`));
    const byteOf = (route: string) => desk.shedding.standings[desk.cellOf(route, 'v3')];
    assert.deepEqual([byteOf('checkout'), byteOf('plain')], [3, 3], 'both have a whole budget, and stand alike');
    desk.left = { remainingRatio: 0.5, fast: [] };
    desk.turns(10);
    assert.deepEqual([byteOf('checkout'), byteOf('plain')], [2, 3]);
    assert.equal(
      desk.shedding.ofVersion('other/v3')?.order,
      'of default requests to other/v3, those of plain (no budget to lose) go first, those of checkout (50 % of its budget left) last',
    );
    desk.refuse('checkout', 'v3', 3);
    desk.turns(20);
    assert.match(String(desk.lines[0]?.fields['sentence']), /^other\/v3 refused 3 requests/);
  });

  it('lets canaries go first on every route of a rollout', () => {
    const refs = '[{name: shop, version: v1, weight: 19}, {name: shop, version: v2, weight: 1}]';
    const several = DOCUMENT.replace('canary: v2', 'canary: v2, routes: [another]');
    const desk = new Desk(`${several}  - {name: another, hostnames: [another.test], backendRefs: ${refs}}\n`);
    desk.left = { remainingRatio: 0.05, fast: [] };
    desk.turns(10);
    assert.equal(desk.shedding.standings[desk.cellOf('another', 'v2')], STANDING_CANARY);
    assert.notEqual(desk.shedding.standings[desk.cellOf('another', 'v1')], STANDING_CANARY);
  });

  it('logs when a version begins and ceases to refuse', () => {
    const desk = new Desk();
    desk.refuse('search', 'v1', 7, 2);
    desk.turns(20);
    const [began] = desk.lines;
    assert.deepEqual(
      [began?.event, began?.fields['state'], began?.fields['version']],
      ['version_sheds', 'begins', 'shop/v1'],
    );
    assert.match(
      String(began?.fields['sentence']),
      /^shop\/v1 refused 7 requests in 1 s: 7 degraded; requests to shop\/v1/,
    );
    desk.turns(120);
    assert.deepEqual(
      desk.lines.map(({ fields }) => fields['state']),
      ['begins', 'ends'],
    );
  });

  it('writes at most 30 lines a minute, and says how many it left out', () => {
    const versions = Array.from({ length: 40 }, (_, n) => `v${n}`);
    const endpoints = versions.map((name) => `      ${name}: {endpoints: ["127.0.0.1:7001"]}\n`).join('');
    const routes = versions.map(
      (name) => `  - {name: ${name}, hostnames: [${name}.test], backendRefs: [{name: shop, version: ${name}}]}\n`,
    );
    const desk = new Desk(
      `services:\n  shop:\n    overload: {limit: 5}\n    versions:\n${endpoints}routes:\n${routes.join('')}`,
    );
    for (const version of versions) desk.refuse(version, version);
    desk.turns(20);
    assert.equal(desk.lines.length, 30);
    desk.turns(700);
    desk.refuse('v7', 'v7');
    desk.turns(20);
    assert.equal(desk.lines.length, 31);
    assert.equal(desk.lines[30]?.fields['unsaid'], 50, 'ten that began and forty that ended');
  });
});
