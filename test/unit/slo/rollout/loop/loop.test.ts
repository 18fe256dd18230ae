/** The loop over a rollout of several routes: one judgement, one decision, every dial. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RolloutPlan } from '#src/model/config.ts';
import { type RolloutRoute, type RolloutSpec, routesOf, type SavedRollout } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { SEVERAL, SPEC } from '../../../../support/simulate/detection.ts';
import { command, STEPPED } from '../../../../support/simulate/machine.ts';
import { Rig } from '../../../../support/simulate/watch/rig.ts';

const [CHECKOUT, CART, PAY] = routesOf(SEVERAL) as [RolloutRoute, RolloutRoute, RolloutRoute];
const ROUTES = [CHECKOUT, CART, PAY];
/** With steps; stable has everything as configured. */
const RAMPED: RolloutSpec = {
  ...STEPPED,
  companions: [CART, PAY].map(({ route, stable, canary }) => {
    return { route, stable: { ...stable, weight: 10_000 }, canary: { ...canary, weight: 0 } };
  }),
};

function canaryWeights(rig: Rig): number[] {
  return ROUTES.map(({ canary }) => rig.dials[canary.dial] as number);
}

/** Ticks of 19 stable requests and one of the canary on every route. */
function run(rig: Rig, ticks: number, badRoute: RolloutRoute | null): void {
  for (let n = 0; n < ticks; n++) {
    for (const spec of ROUTES) {
      rig.finish('stable', 19, 0, { spec });
      rig.finish('canary', 1, spec === badRoute ? 1 : 0, { spec });
    }
    rig.tick();
  }
}

describe('a rollout of several routes', () => {
  it('takes a canary that fails on one of them out on all, and says where it failed', () => {
    const rig = new Rig([SEVERAL]);
    run(rig, 50, null);
    run(rig, 20, PAY);
    assert.deepEqual(canaryWeights(rig), [0, 0, 0]);
    assert.equal(rig.decisions.length, 1);
    const [{ verdict, sentence, detectedInMs, route }] = rig.decisions as [Decision];
    const [own] = verdict.routes?.filter((part) => part.route === 'pay') ?? [];
    assert.deepEqual([route, own?.requests.canary.bad], ['checkout', verdict.requests.canary.bad]);
    const { bad, finished } = own?.requests.canary ?? {};
    assert.match(
      sentence,
      new RegExp(
        `^checkout: v2 rolled back: on pay ${bad} of ${finished} requests failed \\([0-9.]+ %\\) against 0 % on v1, ` +
          `${bad} of ${verdict.requests.canary.finished} on all 3 routes; evidence `,
      ),
    );
    assert.ok(detectedInMs >= 0, 'failures on a companion are noted');
  });

  it('finds on a rare route what drowns in the sum', () => {
    const rig = new Rig([SEVERAL]);
    const busy = (): void => {
      rig.finish('stable', 190, 1);
      rig.finish('canary', 10, 0);
    };
    for (let n = 0; n < 200; n++) {
      busy();
      rig.tick();
    }
    for (let n = 0; n < 100 && rig.decisions.length === 0; n++) {
      busy();
      rig.finish('stable', 19, 0, { spec: PAY });
      if (n % 5 === 0) rig.finish('canary', 1, 1, { spec: PAY });
      rig.tick();
    }
    const [decision] = rig.decisions;
    assert.match(decision?.sentence ?? '', /: on pay [0-9]+ of [0-9]+ requests failed/);
    const { errors, routes = [], logEToFail } = (decision as Decision).verdict;
    assert.ok(errors.logE < logEToFail, `${errors.logE} of all together`);
    assert.ok((routes.at(-1)?.logE ?? 0) > errors.logE);
  });

  it('moves the weights of all with every step, and holds each against the operator', () => {
    const rig = new Rig([RAMPED]);
    const result = rig.controller.command(
      { name: 'start', route: 'checkout', by: 'api', reason: '', isFix: false },
      rig.nowMs,
    );
    assert.ok(result.kind === 'done');
    assert.deepEqual(canaryWeights(rig), [1000, 100, 100]);
    assert.deepEqual(
      result.holds.map(({ route, weights }) => [route, weights[0]?.weight]),
      [
        ['checkout', 1000],
        ['cart', 100],
        ['pay', 100],
      ],
    );
    assert.deepEqual(rig.controller.view()[0]?.status.routes, ['checkout', 'cart', 'pay']);
    const again = rig.controller.command(
      { name: 'abort', route: 'pay', by: 'api', reason: '', isFix: false },
      rig.nowMs,
    );
    assert.deepEqual(again, {
      kind: 'refused',
      detail: 'route pay moves with the rollout of checkout: send abort checkout',
    });
  });

  it('goes on with all of them after a restart', () => {
    const before = new Rig([SEVERAL]);
    run(before, 20, CART);
    const saved = before.controller.save(before.nowMs);
    const rig = new Rig([SEVERAL]);
    assert.deepEqual(canaryWeights(rig), [5, 5, 5]);
    const holds = rig.controller.restore(saved, rig.nowMs);
    assert.deepEqual(canaryWeights(rig), [0, 0, 0]);
    assert.deepEqual(
      holds.map(({ route }) => route),
      ['checkout', 'cart', 'pay'],
    );
  });

  it('begins its evidence anew where one of its routes is elsewhere in memory', () => {
    const rig = new Rig([SEVERAL]);
    run(rig, 5, null);
    const seen = (): number | undefined => rig.controller.view()[0]?.status.verdict?.requests.canary.finished;
    assert.equal(seen(), 15);
    const elsewhere = { ...PAY, canary: { ...PAY.canary, cell: 7 } };
    rig.rollouts = [{ ...SEVERAL, companions: [CART, elsewhere] }];
    rig.tick();
    assert.equal(seen(), 0);
  });

  it('asks the budgets of all: the least that is left, the events of all, the alert of any', () => {
    const stops = (of: Record<string, { remainingRatio: number; alert: string | null }>): string => {
      const rig = new Rig([{ ...RAMPED, plan: { ...(RAMPED.plan as NonNullable<RolloutSpec['plan']>) } }]);
      rig.budgets = (route) => (of[route] === undefined ? null : { remainingEvents: 10, ...of[route] });
      const start = { name: 'start', route: 'checkout', by: 'api', reason: '', isFix: false } as const;
      const result = rig.controller.command(start, rig.nowMs);
      if (result.kind !== 'done') return result.detail;
      const gates = rig.controller.view()[0]?.status.gates ?? [];
      return gates.find(({ name }) => name === 'alerts')?.sentence ?? '';
    };
    const fine = { remainingRatio: 0.9, alert: null };
    assert.match(stops({ checkout: fine, cart: { remainingRatio: -0.1, alert: null } }), /rollouts are frozen/);
    assert.equal(stops({ checkout: fine, pay: { remainingRatio: 0.9, alert: 'pay burns' } }), 'pay burns');
    assert.equal(stops({ checkout: fine }), 'no burn alert fires');
  });
});

it('a rollout of one route tells of no routes', () => {
  const rig = new Rig();
  rig.run(2, 5);
  const [decision] = rig.decisions as [Decision];
  assert.equal('routes' in decision.verdict, false);
  assert.equal('routes' in (rig.controller.view()[0]?.status ?? {}), false);
  assert.equal(SPEC.companions, undefined);
});

function planned(autoStart: boolean): RolloutSpec {
  return { ...STEPPED, plan: { ...(STEPPED.plan as RolloutPlan), autoStart } };
}

describe('a command that comes before the first turn of the loop', () => {
  /** A configuration with a rollout came, and no turn has seen it yet. */
  function unseen(autoStart = false): Rig {
    const rig = new Rig([]);
    const spec = planned(autoStart);
    rig.rollouts = [spec];
    for (const { dial, weight } of [spec.stable, spec.canary]) rig.dials[dial] = weight;
    return rig;
  }

  it('is obeyed as after it', () => {
    const rig = unseen();
    const result = rig.controller.command(command('start'), rig.nowMs);
    assert.equal(result.kind, 'done');
    assert.equal(rig.view().state, 'progressing');
    assert.deepEqual(rig.tick().refusals, []);
  });

  it('is the start of a rollout that would have started by itself, once', () => {
    const rig = unseen(true);
    assert.equal(rig.controller.command(command('start'), rig.nowMs).kind, 'done');
    const { decisions, refusals } = rig.tick();
    assert.deepEqual([decisions, refusals], [[], []]);
  });

  it('keeps no rollout from starting by itself when it is refused', () => {
    const rig = unseen(true);
    assert.equal(rig.controller.command(command('promote'), rig.nowMs).kind, 'refused');
    assert.deepEqual(
      rig.tick().decisions.map(({ kind }) => kind),
      ['start'],
    );
  });

  it('about a route without a rollout is about none', () => {
    assert.equal(unseen().controller.command(command('start', { route: 'other' }), 0).kind, 'unknown');
  });
});

describe('a rollout that starts by itself', () => {
  const kinds = (rig: Rig): string[] => rig.decisions.map(({ kind, trigger }) => `${kind} ${trigger}`);

  it('stays out when the evidence took it out while it waited for the window, until a person starts it', () => {
    const rig = new Rig([]);
    // Alone it judges, and may not start.
    rig.role = 'alone';
    rig.rollouts = [planned(true)];
    rig.run(3, 5);
    assert.deepEqual(kinds(rig), ['rollback evidence']);
    rig.role = 'leader';
    rig.run(3, 0);
    assert.deepEqual([kinds(rig), rig.view().state], [['rollback evidence'], 'rolled-back']);
    assert.equal(rig.controller.command(command('start'), rig.nowMs).kind, 'done');
  });

  it('stays where another gateway has it, also when that is the first word of it', () => {
    const [before, rig] = [new Rig([STEPPED]), new Rig([])];
    before.run(3, 5);
    const [saved] = before.controller.save(before.nowMs);
    assert.ok(saved?.rollout.state.kind === 'rolled-back');
    rig.role = 'follower';
    rig.rollouts = [planned(true)];
    rig.tick();
    assert.ok(rig.controller.follow(saved, rig.nowMs, true) !== null);
    rig.role = 'leader';
    const { refusals } = rig.tick();
    assert.deepEqual([kinds(rig), rig.view().state, refusals], [[], 'rolled-back', []]);
  });

  it('starts when it was idle all the while', () => {
    const rig = new Rig([]);
    rig.role = 'alone';
    rig.rollouts = [planned(true)];
    rig.run(3, 0);
    rig.role = 'leader';
    rig.tick();
    assert.deepEqual(kinds(rig), ['start configuration']);
  });
});

describe('a start that waits for the window over a restart', () => {
  /** A process that goes on with what another one wrote. */
  function restarted({ spec = planned(true), saved }: { spec?: RolloutSpec; saved: readonly SavedRollout[] }): Rig {
    const rig = new Rig([]);
    rig.role = 'alone';
    rig.rollouts = [spec];
    rig.controller.restore(JSON.parse(JSON.stringify(saved)) as SavedRollout[], rig.nowMs);
    return rig;
  }

  /** One that may not start yet. */
  function waiting(): Rig {
    const rig = new Rig([]);
    rig.role = 'alone';
    rig.rollouts = [planned(true)];
    rig.run(3, 0);
    return rig;
  }

  it('is made when the window is free', () => {
    const before = waiting();
    const rig = restarted({ saved: before.controller.save(before.nowMs) });
    rig.run(3, 0);
    const again = restarted({ saved: rig.controller.save(rig.nowMs) });
    assert.equal(again.decisions.length, 0);
    again.role = 'leader';
    again.run(2, 0);
    assert.deepEqual(
      again.decisions.map(({ kind, trigger }) => `${kind} ${trigger}`),
      ['start configuration'],
    );
  });

  it('is not made of one that was started, and taken back, or that waits for a person', () => {
    const begun = waiting();
    begun.role = 'leader';
    begun.tick();
    assert.equal(begun.controller.command(command('undo'), begun.nowMs).kind, 'done');
    begun.tick();
    const byHand = new Rig([planned(false)]);
    byHand.tick();
    for (const before of [begun, byHand]) {
      const saved = before.controller.save(before.nowMs);
      assert.deepEqual([saved[0]?.rollout.state.kind, 'isStartOwed' in (saved[0] ?? {})], ['idle', false]);
      const rig = restarted({ saved });
      rig.role = 'leader';
      rig.run(3, 0);
      assert.deepEqual(rig.decisions, []);
    }
  });

  it('is made by whoever leads once the gateway that waited is gone', () => {
    const before = waiting();
    const [saved] = before.controller.save(before.nowMs) as [SavedRollout];
    const rig = new Rig([]);
    rig.role = 'follower';
    rig.rollouts = [planned(true)];
    rig.tick();
    for (const isFirst of [true, false]) assert.ok(rig.controller.follow(saved, rig.nowMs, isFirst) !== null);
    rig.role = 'leader';
    rig.tick();
    assert.deepEqual(
      rig.decisions.map(({ kind, trigger }) => `${kind} ${trigger}`),
      ['start configuration'],
    );
  });
});

describe('an abort that is undone', () => {
  /** Aborted and undone after 2 bad requests of the canary; before the start only stable was counted. */
  function undone(): Rig {
    const rig = new Rig([STEPPED]);
    rig.budgets = () => ({ remainingRatio: 0.9, remainingEvents: 100, alert: null });
    for (let n = 0; n < 100; n++) {
      rig.finish('stable', 95, 0);
      rig.tick();
    }
    const obeyed = (name: 'start' | 'abort' | 'undo'): void => {
      assert.equal(rig.controller.command(command(name), rig.nowMs).kind, 'done', name);
    };
    obeyed('start');
    rig.run(40, 0);
    for (let n = 0; n < 2; n++) {
      rig.run(1, 1);
      rig.run(20, 0);
    }
    obeyed('abort');
    rig.tick();
    obeyed('undo');
    return rig;
  }

  const caused = (rig: Rig): unknown =>
    rig.controller.view()[0]?.status.gates?.find(({ name }) => name === 'budget')?.seen;

  it('goes on with what was caused before it', () => {
    const rig = undone();
    rig.tick();
    assert.equal(caused(rig), 2);
  });

  it('counts from there what stable’s failures do not explain, and nothing else', () => {
    const rig = undone();
    for (let n = 0; n < 60; n++) {
      rig.run(1, n % 20 === 0 ? 1 : 0, n % 20 === 0 ? 19 : 0);
      assert.equal(caused(rig), 2, `after ${n} turns in which both fail alike`);
    }
  });
});

describe('a pause that is undone after a restart', () => {
  it('goes on with what was caused before it, in the process before', () => {
    const [before, rig] = [new Rig([STEPPED]), new Rig([STEPPED])];
    for (const one of [before, rig]) one.budgets = () => ({ remainingRatio: 0.9, remainingEvents: 100, alert: null });
    const obeyed = (one: Rig, name: 'start' | 'pause' | 'undo'): void => {
      assert.equal(one.controller.command(command(name), one.nowMs).kind, 'done', name);
    };
    obeyed(before, 'start');
    before.run(40, 0);
    before.run(1, 1);
    before.run(20, 0);
    before.run(1, 1);
    obeyed(before, 'pause');
    rig.controller.restore(before.controller.save(before.nowMs), rig.nowMs);
    obeyed(rig, 'undo');
    rig.tick();
    assert.equal(rig.view().state, 'progressing');
    assert.equal(rig.controller.view()[0]?.status.gates?.find(({ name }) => name === 'budget')?.seen, 2);
  });
});

describe('a word of another gateway', () => {
  it('that comes between new weights and the next turn waits for that turn', () => {
    const rig = new Rig([]);
    rig.role = 'follower';
    rig.rollouts = [STEPPED];
    rig.tick();
    const leader = new Rig([STEPPED]);
    assert.equal(leader.controller.command(command('start'), leader.nowMs).kind, 'done');
    const [saved] = leader.controller.save(leader.nowMs);
    assert.ok(saved !== undefined);
    rig.rollouts = [{ ...STEPPED, stable: { ...STEPPED.stable, weight: 400_000 } }];
    const dials = [...rig.dials];
    assert.equal(rig.controller.follow(saved, rig.nowMs, false), null);
    assert.deepEqual([...rig.dials], dials);
    rig.tick();
    assert.ok(rig.controller.follow(saved, rig.nowMs, false) !== null);
    assert.deepEqual([rig.dials[STEPPED.stable.dial], rig.dials[STEPPED.canary.dial]], [396_000, 4000]);
  });
});
