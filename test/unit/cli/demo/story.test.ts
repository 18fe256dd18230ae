import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Load, Phase } from '#src/cli/demo/load.ts';
import { createScreen } from '#src/cli/demo/screen.ts';
import { PACE as AS_TOLD, type Pace, play, type Stage } from '#src/cli/demo/story.ts';
import type { Decision } from '#src/model/slo.ts';
import { sampleDecision, sampleRoute, sampleStatus, sampleVersion } from '../../../support/readings/status.ts';

const PACE: Pace = {
  calmMs: 1000,
  stepMs: 1000,
  reloadMsMax: 500,
  detectMsMax: 2000,
  afterMs: 3000,
  afterMsMore: 500,
  pollMs: 10,
  afterSuccessesMin: 400,
};

/** How the modelled gateway behaves. */
interface Behavior {
  /** Saved to in force, in ms; Infinity: never. */
  readonly reloadMs: number;
  /** Broken to rolled back, in ms; Infinity: never. */
  readonly detectMs: number;
  /** Whether the dial really goes to 0. */
  readonly isObeyed: boolean;
  /** Share of v1's answers that fail after the rollback. */
  readonly stableFailRatio: number;
  readonly requestsPerSecond: number;
}

const GOOD: Behavior = { reloadMs: 40, detectMs: 600, isObeyed: true, stableFailRatio: 0, requestsPerSecond: 200 };

const RESCUED = { good: 7, bad: 0, ignored: 0, skipped: 1 };

/** A gateway, a service and users on virtual time: a phase is what the rates make of the time it lasted. */
function staged(changes: Partial<Behavior>) {
  const behavior: Behavior = { ...GOOD, ...changes };
  let nowMs = 0;
  let saved = { percent: 0, atMs: -Infinity };
  let inForce = 0;
  let brokenAtMs = Infinity;
  let output = '';
  const isRolledBack = () => nowMs - brokenAtMs >= behavior.detectMs;
  const canaryWeight = () => {
    if (nowMs - saved.atMs >= behavior.reloadMs) inForce = saved.percent;
    return isRolledBack() && behavior.isObeyed ? 0 : inForce;
  };

  const phases: { phase: Phase & { grow(): void } }[] = [];
  const beginPhase = () => {
    const counts = { succeeded: 0, failed: 0 };
    const byVersion = new Map<string, { succeeded: number; failed: number }>();
    let grownToMs = nowMs;
    const add = (version: string, answers: number, failRatio: number) => {
      if (answers === 0) return;
      const failed = Math.round(answers * failRatio);
      const sum = byVersion.get(version) ?? { succeeded: 0, failed: 0 };
      byVersion.set(version, { succeeded: sum.succeeded + answers - failed, failed: sum.failed + failed });
      counts.succeeded += answers - failed;
      counts.failed += failed;
    };
    const phase = {
      get sent() {
        return counts.succeeded + counts.failed;
      },
      get succeeded() {
        return counts.succeeded;
      },
      get failed() {
        return counts.failed;
      },
      inFlight: 0,
      byVersion,
      quantileMs: () => 6,
      grow() {
        const answers = Math.round(((nowMs - grownToMs) / 1000) * behavior.requestsPerSecond);
        grownToMs = nowMs;
        const canary = Math.round((answers * canaryWeight()) / 100);
        add('v2', canary, nowMs > brokenAtMs ? 0.2 : 0);
        add('v1', answers - canary, isRolledBack() ? behavior.stableFailRatio : 0);
      },
    };
    phases.push({ phase });
    return phase;
  };
  const load: Load = {
    begin() {
      phases.at(-1)?.phase.grow();
      return beginPhase();
    },
    settle: () => Promise.resolve(),
    stop: () => undefined,
  };
  const stage: Stage = {
    screen: createScreen({
      output: { write: (text) => (output += text), on: () => undefined },
      isPlain: true,
      nowMs: () => nowMs,
    }),
    load,
    setCanary: (percent) => {
      saved = { percent, atMs: nowMs };
    },
    breakCanary: () => {
      brokenAtMs = nowMs;
      return Promise.resolve();
    },
    status: () => {
      const weight = canaryWeight();
      const versions = [
        sampleVersion({ weight: 100 - inForce, weightConfigured: 100 - inForce }),
        sampleVersion({ version: 'v2', weight, weightConfigured: inForce, rescued: RESCUED }),
      ];
      return Promise.resolve(sampleStatus({ routes: [sampleRoute({ versions })] }));
    },
    decisions: () => {
      const decisions: Decision[] = isRolledBack() ? [sampleDecision({ kind: 'resume' }), sampleDecision()] : [];
      return Promise.resolve(decisions);
    },
    nowMs: () => nowMs,
    sleep: (ms) => {
      nowMs += ms;
      phases.at(-1)?.phase.grow();
      return Promise.resolve();
    },
  };
  return { stage, output: () => output };
}

async function told(changes: Partial<Behavior>, pace = PACE) {
  const { stage, output } = staged(changes);
  const missing = await play(stage, pace);
  return { missing, output: output() };
}

suite('story', () => {
  test('a gateway that does its work leaves nothing missing, and the numbers are told', async () => {
    const { missing, output } = await told({});
    assert.deepEqual(missing, []);
    assert.match(output, /^ {2}t\+00s {2}route \/checkout {2}v1 100 %/);
    for (const percent of [5, 10, 20]) {
      assert.match(output, new RegExp(`canary v2 +${percent} % {2}in force 40 ms after the file was saved`));
    }
    assert.match(output, /v1 0 failed of 160 \| v2 0 failed of 40/);
    assert.match(output, /t\+04s {2}\(demo\) v2 starts failing 20 % of its requests/);
    assert.match(output, /ROLLED BACK v2: weight 20 → 0/);
    assert.match(output, /v2 rolled back: 12 bad of 200 against 0 of 800/);
    assert.match(output, /detected in {4}640 ms from its first bad answer/);
    assert.match(output, /switched in {4}0\.02 ms/);
    assert.match(output, /evidence {7}v2 12 bad of 200, v1 0 bad of 800 requests/);
    assert.match(output, /users saw {6}\d+ failures in \d+ requests since the start/);
    assert.match(output, /rescued {8}7 failures of v2 by v1, 1 not as it had no room/);
    assert.match(output, /✔ stable kept serving: 600 of 600 requests since then succeeded/);
    assert.match(output, /dials {10}v1 80 \(configured 80\), v2 0 \(configured 20\)/);
  });

  test('is over within 20 s where nothing is late', async () => {
    const { missing, output } = await told({}, AS_TOLD);
    assert.deepEqual(missing, []);
    const [, seconds] = /t\+(\d\d)s {2}✔ stable kept serving/.exec(output) ?? [];
    assert.ok(Number(seconds) < 20, output);
  });

  test('failures that users saw are told with who answered so', async () => {
    const { output } = await told({ requestsPerSecond: 20_000 });
    assert.match(output, /users saw {6}([1-9]\d*) failures \(v2 \1\) in \d+ requests since the start/);
  });

  test('a saved weight that never comes into force is missing, and the story ends there', async () => {
    const { missing, output } = await told({ reloadMs: Infinity });
    assert.deepEqual(missing, ['the saved weight 5 of v2 was not in force within 500 ms']);
    assert.doesNotMatch(output, /starts failing/);
  });

  test('a rollback that never comes is missing, and the story ends there', async () => {
    const { missing, output } = await told({ detectMs: Infinity });
    assert.deepEqual(missing, ['no rollback of v2 within 2 s of its first failures']);
    assert.doesNotMatch(output, /ROLLED BACK|kept serving/);
  });

  test('a decision that is not obeyed is missing: weight and answers both tell', async () => {
    const { missing } = await told({ isObeyed: false });
    assert.deepEqual(missing.slice(0, 2), [
      'v2 has weight 20 in status, not 0',
      'v2 still answered 120 requests after the rollback',
    ]);
  });

  test('failures that users see after the rollback are missing service', async () => {
    const { missing, output } = await told({ stableFailRatio: 0.01 });
    assert.deepEqual(missing, ['6 requests failed after the rollback']);
    assert.match(output, /✖ stable did not keep serving: 594 of 600/);
  });

  test('too few successes after the rollback are missing service', async () => {
    const { missing } = await told({ requestsPerSecond: 100 });
    assert.deepEqual(missing, ['only 350 requests succeeded after the rollback, 400 expected']);
  });

  test('successes after the rollback that are late are waited for', async () => {
    const { missing, output } = await told({ requestsPerSecond: 120 });
    assert.deepEqual(missing, []);
    assert.match(output, /✔ stable kept serving: 40\d of 40\d requests/);
  });
});
