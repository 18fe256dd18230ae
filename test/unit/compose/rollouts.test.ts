/** Decisions that are executed already: what fails at telling one place of them costs no other place. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Rollouts } from '#src/compose/rollouts.ts';
import { Defects } from '#src/compose/watches/defects.ts';
import type { Log } from '#src/lib/log.ts';
import type { Config } from '#src/model/config.ts';
import type { SavedRollout } from '#src/model/rollout.ts';
import type { LoggedDecision } from '#src/model/slo.ts';
import type { DefectPart } from '#src/model/threads/load/defects.ts';
import { SloEngine } from '#src/slo/budget/engine.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { configOf, SOUND } from '../../support/config.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const TEXT = `${SOUND}    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2, steps: [25, 100]}
`;
const START = { name: 'start', route: 'shop', by: 'api', reason: '', isFix: false } as const;

class Rig {
  readonly told: string[] = [];
  readonly kept: (readonly [LoggedDecision, SavedRollout | null])[] = [];
  readonly defects: Defects;
  readonly store: Store;
  readonly rollouts: Rollouts;
  readonly current: Current;
  /** The state cannot take a decision. */
  isStateBroken = false;

  constructor(t: TestContext) {
    const say = (event: string): void => void this.told.push(event);
    const log = { info: say, warn: say, error: say } as unknown as Log;
    this.defects = new Defects({ log });
    const regions = [new FakeWorker(0).region];
    const dials = createDials();
    this.store = new Store({ file: 'x', dials, wallTime: () => '', mayRecycle: () => false });
    this.rollouts = new Rollouts({
      regions: () => regions,
      rates: () => null,
      dials,
      latencyDials: createLatencyDials(),
      store: this.store,
      slos: new SloEngine(),
      log,
      tapes: () => undefined,
      explain: () => '',
      started: () => undefined,
      isHeld: () => false,
      defects: this.defects,
      decided: (decision, rollout) => {
        if (this.isStateBroken) throw new TypeError('the state is odd');
        this.kept.push([decision, rollout]);
      },
    });
    const result = this.store.offer({ ok: true, config: configOf(TEXT), warnings: [] });
    assert.equal(result.kind, 'swapped');
    this.current = result.current;
    this.rollouts.follow(this.current);
    this.rollouts.turn(0);
    this.defects.begin();
    t.mock.method(this.rollouts.fleet, 'decided', (route: string) => void this.told.push(`fleet ${route}`));
  }

  start(): void {
    assert.equal(this.rollouts.command(START).kind, 'done');
  }

  count(part: DefectPart): number {
    return this.defects.status.counts[part];
  }
}

function fail(): never {
  throw new TypeError('odd');
}

describe('a decision', () => {
  it('is logged, kept with where it left the rollout, and told to the fleet', (t) => {
    const one = new Rig(t);
    one.start();
    assert.deepEqual(one.told, ['start', 'fleet shop']);
    assert.deepEqual(
      one.kept.map(([{ kind }, saved]) => [kind, saved?.rollout.state.kind]),
      [['start', 'progressing']],
    );
  });

  it('that the state cannot take is logged and told to the fleet all the same', (t) => {
    const one = new Rig(t);
    one.isStateBroken = true;
    one.start();
    assert.deepEqual(one.told, ['start', 'defect', 'fleet shop']);
    assert.equal(one.count('state'), 1);
  });

  it('is kept without where it left the rollout when that cannot be told', (t) => {
    const one = new Rig(t);
    t.mock.method(one.rollouts, 'saved', fail);
    one.start();
    assert.deepEqual(one.told, ['start', 'defect', 'fleet shop']);
    assert.deepEqual(
      one.kept.map(([{ kind }, saved]) => [kind, saved]),
      [['start', null]],
    );
    assert.equal(one.count('rollouts'), 1);
  });

  it('that the fleet cannot be told of is kept and held', (t) => {
    const one = new Rig(t);
    const hold = t.mock.method(one.store, 'holdRoute');
    t.mock.method(one.rollouts.fleet, 'decided', fail);
    one.start();
    assert.deepEqual([one.kept.length, hold.mock.callCount(), one.count('fleet')], [1, 1, 1]);
  });
});

describe('a new configuration', () => {
  it('reaches the fleet and its rate limits also when the shares cannot be held', (t) => {
    const one = new Rig(t);
    one.start();
    const fleet = t.mock.method(one.rollouts.fleet, 'follow');
    const rates = t.mock.method(one.rollouts.fleet.rates, 'follow');
    t.mock.method(one.store, 'holdRoute', fail);
    const result = one.store.offer({ ok: true, config: otherWeights(), warnings: [] });
    assert.equal(result.kind, 'swapped');
    one.rollouts.follow(result.current);
    assert.deepEqual([fleet.mock.callCount(), rates.mock.callCount(), one.count('rollouts')], [1, 1, 1]);
  });

  it('reaches the rate limits also when the fleet cannot take it in', (t) => {
    const one = new Rig(t);
    t.mock.method(one.rollouts.fleet, 'follow', fail);
    const rates = t.mock.method(one.rollouts.fleet.rates, 'follow');
    one.rollouts.follow(one.current);
    assert.deepEqual([rates.mock.callCount(), one.count('fleet')], [1, 1]);
  });
});

/** Twice the weights, by a weights document: the shares under way are set anew. */
function otherWeights(): Config {
  const config = configOf(TEXT);
  const routes = config.routes.map((route) => {
    const ownWeights = route.backendRefs.map(({ weight }) => weight);
    const backendRefs = route.backendRefs.map((ref) => ({ ...ref, weight: 2 * ref.weight }));
    const isSet = ownWeights.map(() => true);
    return { ...route, backendRefs, weights: { document: 'weights', revision: '1', reason: '', ownWeights, isSet } };
  });
  return { ...config, routes };
}
