import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHtml } from '#src/admin/page/html.ts';
import { commandsOf, rollout, toneOfState } from '#src/admin/page/view/rollout.js';
import type { RolloutStatus } from '#src/model/status.ts';
import { sampleReading } from '../../../../support/readings/board.ts';
import { sampleRoute } from '../../../../support/readings/status.ts';

const ROLLOUT = sampleRoute().rollout as RolloutStatus;
const STEP = { number: 2, count: 5, percent: 5, forMs: 61_000 };

suite('rollout', () => {
  test('commands are those that the state allows; a canary that is only watched can be aborted', () => {
    const of = (changes: Partial<RolloutStatus>): readonly string[] => commandsOf({ ...ROLLOUT, ...changes });
    assert.deepEqual(of({ state: 'progressing', step: STEP }), ['pause', 'promote', 'abort']);
    assert.deepEqual(of({ state: 'paused', step: STEP }), ['resume', 'promote', 'abort', 'undo']);
    assert.deepEqual(of({ state: 'progressing' }), ['abort']);
    assert.deepEqual(of({ state: 'rolled-back' }), []);
    assert.deepEqual(of({ state: 'rolled-back', next: 'start it again' }), ['start', 'undo']);
  });

  test('of several routes it says which they are, and what failed on each', () => {
    const html = (changes: Partial<RolloutStatus>): string => {
      const view = sampleReading({ route: sampleRoute() });
      return toHtml(rollout({ ...view, heat: [], now: [] }, { ...ROLLOUT, ...changes }, false));
    };
    const routes = ['checkout', 'pay'];
    const counts = { canary: { finished: 140, bad: 11 }, stable: { finished: 2, bad: 0 } };
    const part = { logE: 1, logERequests: 1, logEUsers: 1, logEAbsolute: null, requests: counts, users: counts };
    const verdict = { ...(ROLLOUT.verdict as NonNullable<RolloutStatus['verdict']>) };
    assert.match(html({ routes, verdict }), />On checkout, pay</);
    assert.match(
      html({ routes, verdict: { ...verdict, routes: [{ route: 'pay', ...part }] } }),
      />On pay \(11 of 140 canary requests failed\)</,
    );
    assert.doesNotMatch(html({}), />On /);
  });

  test('endpoints whose failures were left out are named, each once', () => {
    const view = sampleReading({ route: sampleRoute() });
    const verdict = ROLLOUT.verdict as NonNullable<RolloutStatus['verdict']>;
    const html = (...spared: readonly (string | number)[]): string => {
      const told = { ...ROLLOUT, verdict: { ...verdict, errors: { ...verdict.errors, spared } } };
      return toHtml(rollout({ ...view, heat: [], now: [] }, told, false));
    };
    assert.match(html('10.0.0.7:80', '10.0.0.7:80', 'b:80'), />Failures of 10\.0\.0\.7:80, b:80 were left out</);
    assert.doesNotMatch(html(3), /left out/);
  });

  test('the ladder marks where the rollout stands', () => {
    const view = sampleReading({ route: sampleRoute({ rollout: { ...ROLLOUT, state: 'progressing', step: STEP } }) });
    const html = toHtml(rollout({ ...view, heat: [], now: [] }, view.route.rollout as RolloutStatus, false));
    assert.deepEqual(
      [...html.matchAll(/rung-(\w+)/g)].map(([, where]) => where),
      ['done', 'now', 'ahead', 'ahead', 'ahead'],
    );
    assert.match(html, /aria-current="step"[^>]*>5 %/);
    assert.match(html, /Step 2 of 5 for 1 min 1 s/);
  });

  test('without a token the buttons are off, and it says why', () => {
    const view = sampleReading({ route: sampleRoute({ rollout: { ...ROLLOUT, state: 'paused', step: STEP } }) });
    const html = toHtml(rollout({ ...view, heat: [], now: [] }, view.route.rollout as RolloutStatus, true));
    assert.equal(html.match(/<button[^>]* disabled=""/g)?.length, 4);
    assert.match(html, /Read only: no token is configured/);
  });

  test('a state has a tone', () => {
    const tones = (['progressing', 'paused', 'succeeded', 'rolled-back'] as const).map((state) =>
      toneOfState({ ...ROLLOUT, state }),
    );
    assert.deepEqual(tones, ['calm', 'warn', 'good', 'bad']);
  });
});
