import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RevertCertificate } from '#src/model/threads/revision.ts';
import { rejudge, TURNS_MAX, Turns } from '#src/slo/rollout/revision/certificate.ts';
import { NO_COUNTS } from '#src/slo/rollout/revision/record.ts';
import { convicted, type RevertStory } from '../../../../support/state/reverts.ts';

const STORIES: readonly RevertStory[] = [
  { routes: 3, before: 0, after: 1 },
  { routes: 3, before: 0.01, after: 0.6 },
  { routes: 1, before: 0.02, after: 0.9 },
  { routes: 4, before: 0.05, after: 0.7, calm: 100 },
  { routes: 3, before: 0, after: 1, isTurnedAway: true },
];

describe('a certificate', () => {
  test('leads to the same numbers to the last bit, whatever happened', () => {
    const tracks = new Set<string>();
    STORIES.forEach((story, n) => {
      for (let seed = 1; seed <= 5; seed++) {
        const conviction = convicted(seed, story);
        assert.ok(conviction !== null, `story ${n}, seed ${seed}`);
        const { logE, track, finished, failed, limit, certificate } = conviction;
        assert.deepEqual(rejudge(certificate), { logE, track, finished, failed, limit }, `story ${n}, seed ${seed}`);
        // The log keeps it as JSON.
        assert.deepEqual(rejudge(JSON.parse(JSON.stringify(certificate)) as RevertCertificate), rejudge(certificate));
        tracks.add(track);
      }
    });
    assert.deepEqual([...tracks].toSorted(), ['errors', 'refusals']);
  });

  test('without turns leads nowhere', () => {
    const conviction = convicted(1, STORIES[0] as RevertStory);
    assert.ok(conviction !== null);
    assert.equal(rejudge({ ...conviction.certificate, turns: null }), null);
  });
});

test('turns are kept as counts, idle ones as their time alone, and up to a limit', () => {
  const turns = new Turns();
  const counts = { finished: 4, bad: 1, answered: 5, turnedAway: 2 };
  turns.add(100, counts, NO_COUNTS);
  turns.add(200, NO_COUNTS, NO_COUNTS);
  assert.deepEqual(turns.list, [[100, 4, 1, 5, 2, 0, 0, 0, 0], [200]]);
  for (let n = 2; n < TURNS_MAX; n++) turns.add(n * 100, NO_COUNTS, NO_COUNTS);
  assert.equal(turns.list?.length, TURNS_MAX);
  turns.add(1e6, NO_COUNTS, NO_COUNTS);
  turns.add(2e6, NO_COUNTS, NO_COUNTS);
  assert.equal(turns.list, null);
});
