/** Decisions to look at: bounded; counts that never fall. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RolloutSpec } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { DECISIONS_MAX, Decisions } from '#src/slo/decisions.ts';

const decision = (id: number, kind: Decision['kind'] = 'rollback'): Decision =>
  ({ id, kind, route: 'shop', canary: 'v2' }) as Decision;
const ROLLOUT = { route: 'shop', canary: { version: 'v3' } } as RolloutSpec;

it('the newest decisions are kept, the counts of all', () => {
  const decisions = new Decisions();
  for (let id = 1; id <= DECISIONS_MAX + 5; id++) decisions.add(decision(id));
  assert.equal(decisions.newest.length, DECISIONS_MAX);
  assert.equal(decisions.newest[0]?.id, 6);
  assert.deepEqual(decisions.rollbacks([]), [{ route: 'shop', version: 'v2', count: DECISIONS_MAX + 5 }]);
});

it('a resume is no rollback', () => {
  const decisions = new Decisions();
  decisions.add(decision(1, 'resume'));
  assert.deepEqual([decisions.newest.length, decisions.rollbacks([])], [1, []]);
});

it('a rollout that was never rolled back counts 0', () => {
  const decisions = new Decisions();
  decisions.add(decision(1));
  assert.deepEqual(
    decisions.rollbacks([ROLLOUT]).map(({ version, count }) => [version, count]),
    [
      ['v2', 1],
      ['v3', 0],
    ],
  );
});

it('what earlier processes decided is shown before, and not counted', () => {
  const decisions = new Decisions();
  decisions.add(decision(3));
  decisions.recall([decision(1), decision(2)]);
  assert.deepEqual(
    decisions.newest.map(({ id }) => id),
    [1, 2, 3],
  );
  assert.deepEqual(
    decisions.rollbacks([]).map(({ count }) => count),
    [1],
  );
  assert.deepEqual(
    decisions.own.map(({ id }) => id),
    [3],
  );
  decisions.recall([decision(1), decision(2), decision(2)]);
  assert.equal(decisions.newest.length, 4, 'what is told again replaces what was told');
  decisions.recall(Array.from({ length: DECISIONS_MAX }, (_, n) => decision(n)));
  assert.equal(decisions.newest.length, DECISIONS_MAX);
  assert.equal(decisions.newest.at(-1)?.id, 3);
});
