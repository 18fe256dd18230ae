/** From counts in the workers' memory to weights in the dials, the access log, the log and the state store, and back. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Drifts } from '#src/compose/objectives/drifts.ts';
import type { Log } from '#src/lib/log.ts';
import { CELL } from '#src/model/tallies.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { EVALUATION_MS } from '#src/slo/budget/drift/versions.ts';
import { createDials, getDial } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const TEXT = `${SOUND}    slo: {availability: 0.999, drift: {keep: 0.4, accessLog: 0.5}}\n`;

class Desk {
  readonly events: string[] = [];
  readonly dials = createDials();
  readonly worker = new FakeWorker(1);
  readonly saved = new Map<string, SavedBudget>();
  logged: ReadonlyMap<number, number> = new Map();
  readonly #note = (event: string, fields?: Readonly<Record<string, unknown>>): void => {
    this.events.push(`${event} ${String(fields?.['version'])}`);
  };
  readonly store = new Store({ file: '', dials: this.dials, wallTime: () => '', mayRecycle: () => false });
  readonly drifts = new Drifts({
    dials: this.dials,
    store: this.store,
    log: { info: this.#note, warn: this.#note, error: this.#note } as unknown as Log,
    logMore: () => {
      this.logged = this.drifts.logged;
    },
    save: (budgets) => {
      for (const [key, budget] of budgets) this.saved.set(key, budget);
    },
  });
  #nowMs = 0;

  constructor() {
    this.store.offer(parseConfig(TEXT, '', {}));
    this.drifts.follow(this.store.current as Current);
    this.#turn();
  }

  evaluate(times: number, bad: number): void {
    for (let n = 0; n < times; n++) {
      for (const cell of [1, 2]) this.worker.add(cell, CELL.finished, 1000);
      this.worker.add(1, CELL.bad, bad);
      this.#nowMs += EVALUATION_MS;
      this.#turn();
    }
  }

  get weights(): number[] {
    return [1, 2].map((dial) => getDial(this.dials, dial));
  }

  #turn(): void {
    this.drifts.turn([this.worker.region], this.#nowMs);
  }
}

describe('drift', () => {
  it('that is mild takes a part of the weight and logs more, and gives both back when it is over', () => {
    const desk = new Desk();
    desk.evaluate(3, 14);
    assert.deepEqual(desk.weights, [38_000, 5000]);
    assert.deepEqual([...desk.logged], [[1, 0.5]]);
    assert.deepEqual(desk.events, ['version_drift v1', 'version_weight v1']);
    assert.equal(desk.drifts.standings.get('shop/shop/v1')?.kind, 'mild');
    desk.evaluate(3, 0);
    assert.deepEqual([desk.weights, desk.logged.size], [[95_000, 5000], 0]);
    assert.equal(desk.saved.size, 0, 'nothing of it outlives the process');
  });

  it('that is severe takes all of it, outlives the process, and ends when a person says so', () => {
    const desk = new Desk();
    desk.evaluate(3, 900);
    assert.deepEqual(desk.weights, [0, 5000]);
    const [[key, budget] = assert.fail()] = [...desk.saved];

    const next = new Desk();
    assert.ok(next.drifts.recall(key, budget));
    assert.deepEqual([next.weights, [...next.logged]], [[0, 5000], [[1, 0.5]]]);
    const refused = next.drifts.restore('other', 'api', '');
    assert.ok(refused.kind === 'refused' && refused.detail.endsWith('offline: shop/shop/v1'));
    const restored = next.drifts.restore('shop', 'api', 'mended');
    assert.ok(restored.kind === 'restored' && restored.changes.length === 1);
    assert.deepEqual(next.weights, [95_000, 5000]);

    const saved = next.saved.get(key) ?? assert.fail();
    assert.ok(next.drifts.recall(key, budget), 'what an earlier process saved is told late');
    assert.deepEqual(next.weights, [95_000, 5000], 'and a person has overruled it');
    const last = new Desk();
    assert.ok(last.drifts.recall(key, saved));
    assert.deepEqual(last.weights, [95_000, 5000]);
  });

  it('is told from budgets, and what nobody knows any more is said', () => {
    const desk = new Desk();
    const budget = { format: 1, bytes: new Uint8Array([65]), at: '' };
    assert.ok(!desk.drifts.recall('route/shop/availability', budget));
    assert.ok(desk.drifts.recall('drift/gone/shop/v1', budget));
    assert.deepEqual(desk.events, ['drift_stale gone/shop/v1']);
    assert.throws(() => desk.drifts.recall('drift/shop/shop/v1', { ...budget, format: 9 }), /format 9 is not 1/);
  });
});
