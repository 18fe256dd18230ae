/** The SLO loop: one store per rollback, one judgement per generation, nothing convicted on evidence it did not watch. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RolloutSpec } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { READ_GAP_MS_MAX } from '#src/slo/users.ts';
import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { SPEC } from '../../support/simulate/detection.ts';
import { POLICY } from '../../support/simulate/rollout.ts';
import { ID, Rig, WEIGHT } from '../../support/simulate/watch/rig.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

/** Another generation of the rollout, elsewhere in memory. */
const MOVED: RolloutSpec = { ...SPEC, canary: { ...SPEC.canary, unit: 5, cell: 5 }, generation: 'another' };

describe('a canary that fails', () => {
  it('is taken out with one store, and the decision says why', () => {
    const rig = new Rig();
    rig.run(3, 0);
    rig.finish('stable', 95, 1);
    rig.finish('canary', 5, 5);
    rig.tick();
    assert.deepEqual(rig.stores, [[SPEC.canary.dial, 0]]);
    const [decision] = rig.decisions;
    assert.ok(decision !== undefined);
    const { verdict, sentence, ...rest } = decision;
    assert.deepEqual(rest, {
      id: 1,
      at: '2026-01-01T12:00:00.000Z',
      kind: 'rollback',
      trigger: 'evidence',
      route: 'checkout',
      service: 'shop',
      canary: 'v2',
      stable: 'v1',
      alpha: 0.001,
      toleratedRatio: 1.5,
      weightBefore: WEIGHT,
      weightAfter: 0,
      revision: 1,
      detectedInMs: 100,
      switchedInMs: 0.25,
      sampleRequestIds: Array(5).fill(ID),
      certificate: {
        format: 1,
        policy: {
          ...POLICY,
        },
        shadow: null,
        generation: 'a',
        limits: null,
        evidence: null,
      },
    });
    assert.equal(verdict.state, 'fail');
    assert.deepEqual(verdict.requests, { canary: { finished: 20, bad: 5 }, stable: { finished: 380, bad: 1 } });
    assert.match(
      sentence,
      /^checkout: v2 rolled back: 5 of 20 requests failed \(25\.0 %\) against 0\.3 % on v1; evidence /,
    );
    assert.deepEqual(rig.view(), { state: 'rolled-back', verdict: 'fail', sentence });
  });

  it('is not judged again while nobody changes it', () => {
    const rig = new Rig();
    rig.run(2, 5);
    rig.rollouts = [{ ...SPEC, revision: 2 }];
    rig.dials[SPEC.canary.dial] = WEIGHT;
    rig.run(50, 5);
    assert.equal(rig.stores.length, 1);
    assert.equal(rig.decisions.length, 1);
  });

  it('is judged anew, from nothing, when the operator changes its split', () => {
    const rig = new Rig();
    rig.run(2, 5);
    rig.dials[SPEC.canary.dial] = 10;
    rig.rollouts = [{ ...SPEC, generation: 'b', revision: 2 }];
    rig.run(5, 0, 1);
    assert.deepEqual(
      rig.decisions.map(({ kind }) => kind),
      ['rollback', 'resume'],
    );
    const resume = rig.decisions[1] as Decision;
    assert.deepEqual([resume.id, resume.weightBefore, resume.weightAfter, resume.revision], [2, 0, 10, 2]);
    assert.match(resume.sentence, /watched anew at weight 10/);
    assert.equal(rig.view().state, 'progressing');
    assert.equal(rig.view().verdict, 'inconclusive');
    rig.run(2, 5);
    assert.equal(rig.stores.length, 2);
  });
});

describe("a change of the canary's weight", () => {
  it('is a step: what failed before it is not what was detected', () => {
    const rig = new Rig();
    rig.run(1, 1, 1);
    rig.run(20, 0, 1);
    rig.dials[SPEC.canary.dial] = 25;
    rig.run(1, 0);
    rig.run(2, 5);
    assert.deepEqual(
      rig.decisions.map(({ detectedInMs, weightBefore }) => [detectedInMs, weightBefore]),
      [[100, 25]],
    );
  });
});

describe('a canary that does not fail', () => {
  it('keeps its weight when both versions fail alike', () => {
    const rig = new Rig();
    rig.run(100, 5, 95);
    rig.run(100, 1, 19);
    assert.deepEqual(rig.stores, []);
  });

  it('keeps its weight when testers who pinned it see failures', () => {
    const rig = new Rig();
    for (let n = 0; n < 50; n++) {
      rig.finish('stable', 95, 0);
      rig.finish('canary', 5, 0);
      rig.finish('canary', 5, 5, { isPinned: true });
      rig.tick();
    }
    assert.deepEqual(rig.stores, []);
    assert.deepEqual(rig.controller.view()[0]?.status.verdict?.requests.canary, { finished: 250, bad: 0 });
  });

  it('says what it knows', () => {
    const rig = new Rig();
    assert.equal(rig.view().verdict, 'no-traffic');
    rig.run(1, 0, 1);
    assert.deepEqual(rig.view(), {
      state: 'progressing',
      verdict: 'inconclusive',
      sentence:
        'checkout: v2 is watched: 0 of 5 requests failed (0 %) against 1.1 % on v1; evidence -0.2 of 6.9 nats; ' +
        '915 more good requests prove it sound',
    });
  });
});

describe('a gap', () => {
  /** What happens unseen: the canary gets its weight only when an outage of both versions is under way. */
  function unseen(rig: Rig): void {
    rig.finish('stable', 3000, 0);
    rig.finish('stable', 1000, 500);
    rig.finish('canary', 1000, 500);
  }

  for (const gapMs of [READ_GAP_MS_MAX + 1, 600_000]) {
    it(`of ${gapMs} ms in which the loop slept convicts nobody`, () => {
      const rig = new Rig();
      rig.run(20, 0, 1);
      unseen(rig);
      assert.equal(rig.tick(gapMs).skippedMs, gapMs);
      rig.run(20, 0, 1);
      assert.deepEqual(rig.stores, []);
      const verdict = rig.controller.view()[0]?.status.verdict;
      assert.deepEqual(verdict?.requests.canary, { finished: 200, bad: 0 });
      assert.deepEqual(verdict?.users, verdict?.requests);
    });
  }

  it('would have convicted an innocent one', () => {
    const rule = new MinRule(1.5, 0);
    const lump = { canary: { finished: 1000, bad: 500 }, stable: { finished: 4000, bad: 500 } };
    rule.observe({ requests: lump, users: lump }, 600_000);
    assert.ok(rule.reaches(100));
  });

  it('in a clock that steps back convicts nobody either', () => {
    const rig = new Rig();
    unseen(rig);
    assert.equal(rig.tick(-3_600_000).skippedMs, -3_600_000);
    rig.run(20, 0, 1);
    assert.deepEqual(rig.stores, []);
  });

  it('does not end the watch: what fails afterwards is found', () => {
    const rig = new Rig();
    rig.run(20, 0, 1);
    rig.tick(600_000);
    rig.run(3, 5);
    assert.equal(rig.stores.length, 1);
  });

  it('without traffic, however long and however often looked at, proves nothing', () => {
    const rig = new Rig();
    for (let n = 0; n < 36_000; n++) rig.tick();
    assert.deepEqual(rig.stores, []);
    rig.run(3, 5);
    assert.equal(rig.stores.length, 1);
  });

  it('of a moment is not one: a tick that comes late is judged', () => {
    const rig = new Rig();
    rig.finish('stable', 950, 5);
    rig.finish('canary', 50, 50);
    assert.equal(rig.tick(1900).skippedMs, 0);
    assert.equal(rig.stores.length, 1);
  });
});

describe('a worker that dies', () => {
  it('loses no evidence and adds none', () => {
    const rig = new Rig();
    rig.run(4, 0, 1);
    rig.finish('stable', 95, 1);
    rig.finish('canary', 5, 1);
    rig.workers = [rig.workers[1] as FakeWorker, new FakeWorker(3)];
    rig.tick();
    rig.run(4, 0, 1);
    assert.deepEqual(rig.controller.view()[0]?.status.verdict?.requests, {
      canary: { finished: 45, bad: 1 },
      stable: { finished: 855, bad: 9 },
    });
  });
});

describe('a new configuration', () => {
  it('that leaves the split alone keeps the evidence and applies its policy', () => {
    const rig = new Rig();
    rig.finish('stable', 95, 0);
    rig.finish('canary', 5, 4);
    rig.rollouts = [{ ...SPEC, alpha: 1e-9, revision: 2 }];
    rig.tick();
    assert.deepEqual(rig.stores, []);
    assert.deepEqual(rig.controller.view()[0]?.status.verdict?.requests.canary, { finished: 5, bad: 4 });
    rig.rollouts = [{ ...SPEC, revision: 3 }];
    rig.run(1, 0, 0);
    rig.run(1, 1, 0);
    assert.equal(rig.stores.length, 1);
  });

  it('that tolerates more, or changes the split, starts from nothing', () => {
    for (const change of [
      { toleratedRatio: 2 },
      { generation: 'b' },
      { canary: { ...SPEC.canary, cell: 4, unit: 3 } },
    ]) {
      const rig = new Rig();
      rig.run(1, 2);
      rig.rollouts = [{ ...SPEC, ...change }];
      rig.tick();
      assert.deepEqual(rig.controller.view()[0]?.status.verdict?.requests.canary, { finished: 0, bad: 0 });
      assert.deepEqual(rig.decisions, []);
    }
  });

  it('without the rollout ends the watch', () => {
    const rig = new Rig();
    rig.rollouts = [];
    rig.run(3, 5);
    assert.deepEqual(rig.stores, []);
    assert.deepEqual(rig.controller.view(), []);
  });

  it('with a second rollout judges each by its own evidence', () => {
    const rig = new Rig();
    const other: RolloutSpec = {
      ...SPEC,
      route: 'search',
      stable: { version: 'v1', cell: 5, dial: 4, unit: 4, weight: 95, endpoints: [2] },
      canary: { version: 'v9', cell: 6, dial: 5, unit: 5, weight: 7, endpoints: [3] },
    };
    rig.dials[5] = 7;
    rig.rollouts = [SPEC, other];
    rig.tick();
    for (let n = 0; n < 3; n++) {
      rig.finish('stable', 95, 1, { spec: other });
      rig.finish('canary', 5, 5, { spec: other });
      rig.run(1, 0, 1);
    }
    assert.deepEqual(rig.stores, [[5, 0]]);
    assert.deepEqual(
      rig.decisions.map(({ route, weightBefore }) => [route, weightBefore]),
      [['search', 7]],
    );
    assert.deepEqual(
      rig.controller.view().map(({ status }) => status.state),
      ['progressing', 'rolled-back'],
    );
  });
});

describe('a tick', () => {
  it('hands on the bad events of all versions, and counts those that were lost', () => {
    const rig = new Rig();
    rig.finish('stable', 3, 2);
    const { events } = rig.tick();
    assert.deepEqual(
      events.map(({ cell, requestId }) => [cell, requestId]),
      [
        [SPEC.stable.cell, ID],
        [SPEC.stable.cell, ID],
      ],
    );
    rig.finish('stable', 9000, 9000);
    assert.equal(rig.tick().events.length, 8192);
    assert.equal(rig.controller.eventsLost, 9000 - 8192);
  });

  it('changes no dial when evidence of one unit alone is overwhelming', () => {
    const rig = new Rig();
    for (let n = 0; n < 20; n++) {
      rig.finish('stable', 95, 0);
      rig.workers[0]?.add(SPEC.canary.cell, CELL.finished, 5);
      rig.workers[0]?.add(SPEC.canary.cell, CELL.bad, 5);
      rig.tick();
    }
    assert.deepEqual(rig.stores, []);
  });
});

describe('latency thresholds are taken back', () => {
  for (const [when, end] of [
    ['when the canary is rolled back', (rig: Rig) => rig.run(50, 5)],
    ['when the rollout is gone', (rig: Rig) => void (rig.rollouts = [])],
    ['from the units of a generation before', (rig: Rig) => void (rig.rollouts = [MOVED])],
  ] as const) {
    it(when, () => {
      const rig = new Rig();
      rig.run(400, 0);
      const stored = () => [SPEC.canary.unit, SPEC.stable.unit].map((unit) => rig.thresholds.get(unit));
      assert.deepEqual(stored(), [true, true]);
      end(rig);
      rig.tick();
      assert.deepEqual(stored(), [false, false]);
    });
  }
});

describe('a rollout that another gateway leads', () => {
  it('is neither judged nor moved here, and judged from nothing once this one leads', () => {
    const rig = new Rig();
    rig.role = 'follower';
    rig.run(20, 5);
    assert.deepEqual([rig.decisions, rig.stores], [[], []]);
    rig.role = 'alone';
    rig.tick();
    assert.equal(rig.view().verdict, 'no-traffic', 'what the leader saw is not this one’s evidence');
    rig.run(3, 5);
    assert.deepEqual(
      rig.decisions.map(({ kind, trigger }) => `${kind} ${trigger}`),
      ['rollback evidence'],
    );
  });

  it('leaves the weights in force alone when another one begins to decide', () => {
    const rig = new Rig();
    rig.role = 'follower';
    rig.run(3, 0);
    // Down or drifting: the weight in force is not the one that is held or configured.
    rig.dials[SPEC.canary.dial] = 0;
    rig.role = 'leader';
    rig.run(3, 0);
    assert.deepEqual([rig.dials[SPEC.canary.dial], rig.stores], [0, []]);
  });

  it('follows what the leader has decided', () => {
    const [leader, follower] = [new Rig(), new Rig()];
    follower.role = 'follower';
    follower.tick();
    leader.run(3, 5);
    const [saved] = leader.controller.save(leader.nowMs);
    assert.ok(saved !== undefined);
    const [hold] = follower.controller.follow(saved, follower.nowMs, false) ?? [];
    assert.deepEqual(hold?.weights, [{ version: SPEC.canary.version, weight: 0 }]);
    assert.equal(hold?.because, leader.decisions[0]?.sentence);
    assert.deepEqual([follower.view().state, follower.decisions], ['rolled-back', []]);
    assert.equal(follower.dials[SPEC.canary.dial], 0);
    const other = { ...saved, generation: 'another' };
    assert.equal(follower.controller.follow(other, follower.nowMs, false), null, 'of another generation: nothing');
  });
});

describe('one rollout', () => {
  it('is told of by its route, as among all of them', () => {
    const rig = new Rig();
    rig.run(2, 5);
    const [saved] = rig.controller.save(rig.nowMs);
    assert.deepEqual(rig.controller.saved('checkout', rig.nowMs), saved);
    const { generation, state } = rig.controller.standing('checkout') ?? {};
    assert.deepEqual([generation, state?.kind], ['a', 'rolled-back']);
    assert.deepEqual([rig.controller.saved('none', 0), rig.controller.standing('none')], [null, null]);
  });
});
