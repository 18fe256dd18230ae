/** Drift of a route's versions on virtual time, both ways: mild recovers alone, severe waits for a person. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DriftChange, DriftSpec } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { DriftingVersions, EVALUATION_MS, keyOf } from '#src/slo/budget/drift/versions.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { FakeWorker } from '../../../../support/simulate/worker.ts';

const SLO = {
  ...DEFAULT_SLO,
  availabilityRatio: 0.999,
  latency: { thresholdMs: 300, targetRatio: 0.99 },
  calendar: null,
};
const DRIFT = { keepRatio: 0.5, sampleRatio: 0.2 };

function spec(version: string, cell: number, changes: Partial<DriftSpec> = {}): DriftSpec {
  const drift = { route: 'shop', service: 'shop', version, cell, dial: cell, slo: SLO, drift: DRIFT, canaryDial: -1 };
  return { ...drift, ...changes };
}

interface Traffic {
  readonly finished: number;
  readonly bad?: number;
  readonly late?: number;
}

/** Two versions, v1 in cell 1 and v2 in cell 2, on a virtual clock. */
class Desk {
  readonly versions = new DriftingVersions();
  readonly weights = new Map([
    [1, 80],
    [2, 20],
  ]);
  worker = new FakeWorker(1);
  nowMs = 0;

  constructor(specs = [spec('v1', 1), spec('v2', 2)]) {
    this.versions.follow(specs, 0);
    this.turn();
  }

  turn(): DriftChange[] {
    return this.versions.turn([this.worker.region], this.nowMs, (dial) => this.weights.get(dial) ?? 0);
  }

  /** Evaluations in a row, each of what the versions did. */
  evaluate(times: number, v1: Traffic, v2: Traffic = { finished: 1000 }): string[] {
    const told: string[] = [];
    for (let n = 0; n < times; n++) {
      for (const [cell, { finished, bad = 0, late = 0 }] of [[1, v1] as const, [2, v2] as const]) {
        this.worker.add(cell, CELL.finished, finished);
        this.worker.add(cell, CELL.bad, bad);
        this.worker.add(cell, CELL.late, late);
      }
      this.nowMs += EVALUATION_MS;
      told.push(...this.turn().map(({ version, before, after }) => `${version} ${before} ${after}`));
    }
    return told;
  }
}

describe('a version in mild trouble', () => {
  it('keeps a part of its weight and is logged more after three evaluations, and recovers alone after three', () => {
    const desk = new Desk();
    const trouble = { finished: 1000, bad: 14 };
    assert.deepEqual(desk.evaluate(2, trouble), []);
    assert.deepEqual(desk.evaluate(1, trouble), ['v1 steady mild']);
    const { kind, sentence } = desk.versions.standings().get('shop/shop/v1') ?? assert.fail();
    assert.equal(kind, 'mild');
    assert.equal(
      sentence,
      'shop v1 on shop drifts: 42 of 3000 requests failed in 30 s, a burn of 14x of its 99.9 % (limit 6x); ' +
        'it keeps 50 % of its weight, and 20 % of its requests are logged',
    );
    assert.deepEqual([...desk.versions.logged()], [[1, 0.2]]);
    assert.equal(desk.versions.keepRatio('shop/shop/v1'), 0.5);
    assert.deepEqual(desk.evaluate(2, { finished: 500 }), []);
    assert.deepEqual(desk.evaluate(1, { finished: 500 }), ['v1 mild steady']);
    assert.deepEqual([desk.versions.standings().size, desk.versions.logged().size], [0, 0]);
  });

  it('is found by its latency objective as well', () => {
    const desk = new Desk();
    assert.deepEqual(desk.evaluate(3, { finished: 1000, late: 100 }), ['v1 steady mild']);
    assert.match(
      desk.versions.standings().get('shop/shop/v1')?.sentence ?? '',
      /300 of 3000 requests failed or were late in 30 s, a burn of 10x of its 99 %/,
    );
  });
});

describe('a version in severe trouble', () => {
  const outage = { finished: 1000, bad: 900 };

  it('goes offline after three evaluations and stays so whatever follows, until a person restores it', () => {
    const desk = new Desk();
    assert.deepEqual(desk.evaluate(2, outage), []);
    assert.deepEqual(desk.evaluate(1, outage), ['v1 steady offline']);
    assert.match(
      desk.versions.standings().get('shop/shop/v1')?.sentence ?? '',
      /^shop v1 on shop is offline: 2700 of 3000 requests failed in 30 s, a burn of 900x of its 99\.9 % \(limit 14\.4x\)/,
    );
    assert.deepEqual(desk.evaluate(10, { finished: 100 }), []);
    assert.deepEqual(desk.versions.restore('other', 'api', ''), []);
    const [change] = desk.versions.restore('shop', 'api', 'mended');
    assert.deepEqual([change?.before, change?.after, change?.by], ['offline', 'steady', 'api']);
    assert.match(change?.sentence ?? '', /^shop v1 on shop was restored by api \(mended\); it was offline: /);
    assert.deepEqual(desk.versions.restore('shop', 'api', ''), []);
    assert.deepEqual(desk.evaluate(3, outage), ['v1 steady offline'], 'and is watched from the beginning');
  });

  it('stays on where no other version is known to do better', () => {
    const shared = new Desk();
    assert.deepEqual(shared.evaluate(6, outage, outage), ['v1 steady mild', 'v2 steady mild']);
    const alone = new Desk([spec('v1', 1)]);
    assert.deepEqual(alone.evaluate(6, outage), ['v1 steady mild']);
    const idle = new Desk();
    assert.deepEqual(idle.evaluate(6, outage, { finished: 0 }), ['v1 steady mild']);
    const unused = new Desk();
    unused.weights.set(2, 0);
    assert.deepEqual(unused.evaluate(6, outage), ['v1 steady mild']);
  });

  it('never takes the last one offline, whichever goes first', () => {
    const desk = new Desk();
    assert.deepEqual(desk.evaluate(3, outage), ['v1 steady offline']);
    desk.weights.set(1, 0);
    assert.deepEqual(desk.evaluate(6, { finished: 0 }, outage), ['v2 steady mild']);
  });
});

describe('the watch', () => {
  it('adds up what tells nothing, so that little traffic is judged as well', () => {
    const desk = new Desk();
    // One failure of ten proves nothing; two of twenty prove mild trouble.
    assert.deepEqual(desk.evaluate(4, { finished: 10, bad: 1 }), []);
    assert.deepEqual(desk.evaluate(2, { finished: 10, bad: 1 }), ['v1 steady mild']);
  });

  it('leaves both versions of a rollout to it while its canary has weight', () => {
    const desk = new Desk([spec('v1', 1, { canaryDial: 2 }), spec('v2', 2, { canaryDial: 2 })]);
    assert.deepEqual(desk.evaluate(6, { finished: 1000, bad: 900 }), []);
    desk.weights.set(2, 0);
    assert.deepEqual(desk.evaluate(3, { finished: 1000, bad: 900 }), ['v1 steady mild']);
  });

  it('loses nothing that a worker counted before it left', () => {
    const desk = new Desk();
    desk.evaluate(2, { finished: 1000, bad: 900 });
    desk.worker.add(1, CELL.finished, 1000);
    desk.worker.add(1, CELL.bad, 900);
    desk.worker.add(2, CELL.finished, 1000);
    desk.worker = new FakeWorker(2);
    desk.turn();
    assert.deepEqual(desk.evaluate(1, { finished: 0 }, { finished: 0 }), ['v1 steady offline']);
  });

  it('keeps a standing over a reload and a restart, and ends with the configuration of drift', () => {
    const desk = new Desk();
    desk.evaluate(3, { finished: 1000, bad: 900 });
    desk.versions.follow([spec('v2', 2), spec('v1', 1)], desk.nowMs);
    const [[key, standing] = assert.fail()] = [...desk.versions.standings()];
    assert.equal(key, keyOf(spec('v1', 1)));
    const next = new Desk();
    assert.ok(next.versions.recall({ key, sentence: standing.sentence }, 0));
    assert.deepEqual(next.versions.standings().get(key), { kind: 'offline', sentence: standing.sentence });
    desk.versions.follow([], desk.nowMs);
    assert.equal(desk.versions.standings().size, 0);
    assert.ok(!desk.versions.recall({ key, sentence: standing.sentence }, 0));
  });
});
