/** Reverts of a real guard are derived again by other code, and whatever is changed in one is found. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { revertFaults } from '#src/cli/log/verify/revert.ts';
import type { RevertDecision } from '#src/model/threads/revision.ts';
import { samples } from '../../../../support/runner/depth.ts';
import { convicted, type RevertStory, revertOf } from '../../../../support/state/reverts.ts';

const SEEDS = samples(20, 2);
const STORIES: readonly RevertStory[] = [
  { routes: 3, before: 0, after: 1 },
  { routes: 2, before: 0.01, after: 0.5 },
  { routes: 1, before: 0.02, after: 0.9 },
  { routes: 5, before: 0.08, after: 0.8, calm: 60 },
  { routes: 3, before: 0, after: 1, isTurnedAway: true },
];

function decisionOf(seed: number, story: RevertStory): RevertDecision {
  const conviction = convicted(seed, story);
  assert.ok(conviction !== null, `seed ${seed}`);
  return revertOf(conviction);
}

test('a revert is what its certificate says, whatever happened', () => {
  for (const story of STORIES) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      assert.deepEqual(revertFaults(decisionOf(seed, story)), [], `seed ${seed}: ${JSON.stringify(story)}`);
    }
  }
});

describe('a revert of which something was changed', () => {
  const victim = decisionOf(1, STORIES[1] as RevertStory);
  const { certificate } = victim;
  const turns = certificate.turns ?? [];
  const cases: readonly [what: string, changed: RevertDecision, fault: RegExp][] = [
    ['its evidence', { ...victim, logE: victim.logE + 0.01 }, /^logE is/],
    ['what was needed', { ...victim, threshold: 1 }, /^threshold is 1/],
    ['what was tolerated', { ...victim, limit: 0.5 }, /^limit is 0\.5/],
    ['its counts', { ...victim, failed: victim.failed + 1 }, /^failed is/],
    ['all its counts', { ...victim, finished: 1, sentence: 'route r0 failed' }, /^finished is 1|does not say/],
    ['its track', { ...victim, track: 'refusals' }, /^track is refusals/],
    ['its sentence', { ...victim, sentence: 'route r0: it was nothing' }, /does not say/],
    [
      'a turn',
      { ...victim, certificate: { ...certificate, turns: turns.slice(0, -3) } },
      /it was convicted \d turns in a row|^logE is/,
    ],
    [
      'the record',
      { ...victim, certificate: { ...certificate, blocks: certificate.blocks.map(() => [100, 50, 100, 50, 10_000]) } },
      /^l(ogE|imit) is/,
    ],
    ['alpha', { ...victim, certificate: { ...certificate, alpha: 0.5 } }, /^threshold is/],
    [
      'alpha, and what it asks for',
      {
        ...victim,
        threshold: Math.log((2 * certificate.routes) / 0.5),
        certificate: { ...certificate, alpha: 0.5 },
      },
      /^alpha is 0\.5, more than/,
    ],
    [
      'the counts of its sentence',
      { ...victim, sentence: `9${victim.failed} of ${victim.finished}0 requests failed` },
      /does not say/,
    ],
    ['who was beside', { ...victim, certificate: { ...certificate, beside: { routes: 1, logRise: 9 } } }, /rose/],
  ];
  for (const [what, changed, fault] of cases) {
    test(`${what}: it is found`, () => {
      const faults = revertFaults(changed) ?? [];
      assert.ok(
        faults.some((one) => fault.test(one)),
        faults.join('; '),
      );
    });
  }

  test('what is no certificate is refuted, and stops nothing', () => {
    const none: readonly unknown[] = [
      undefined,
      null,
      {},
      { ...certificate, turns: 7 },
      { ...certificate, turns: [[1, 'x']] },
      { ...certificate, blocks: undefined },
      { ...certificate, beside: undefined },
      { ...certificate, unchanged: {} },
      { ...certificate, alpha: 0 },
      { ...certificate, routes: '1' },
    ];
    for (const one of none) {
      const forged = { ...victim, certificate: one } as RevertDecision;
      assert.deepEqual(revertFaults(forged), ['its certificate is none'], JSON.stringify(one));
    }
  });

  test('without turns nothing can be said', () => {
    assert.equal(revertFaults({ ...victim, certificate: { ...certificate, turns: null } }), null);
  });
});
