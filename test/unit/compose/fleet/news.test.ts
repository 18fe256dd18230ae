import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNews, placeOf } from '#src/compose/fleet/news.ts';
import type { RolloutSpec, SavedRollout } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { SEVERAL, SPEC } from '../../../support/simulate/detection.ts';
import { Rig } from '../../../support/simulate/watch/rig.ts';

const SAVED: SavedRollout = {
  format: 1,
  route: 'shop',
  generation: 'g',
  decision: null,
  rollout: {
    state: { kind: 'progressing', step: 1, forMs: 5, waitingForMs: 5 },
    ladder: [5, 100].map((percent) => ({ percent, dwellMs: 1000 })),
    fixReason: '',
    leftAtStart: null,
    spentBefore: 0,
    undo: null,
  },
};
const TIMES = [1, 2, 3, 4, 5, 6];
const LIMITS = { id: 'a.1', stableMs: TIMES, canaryMs: TIMES };

test('news are a saved rollout, with thresholds or without', () => {
  assert.equal(isNews({ saved: SAVED, limits: null }), true);
  assert.equal(isNews({ saved: SAVED, limits: LIMITS }), true);
  assert.equal(isNews({ saved: { ...SAVED, isStartOwed: true }, limits: null }), true);
});

test('what is none is told from it', () => {
  const wrong: unknown[] = [
    null,
    'x',
    {},
    { saved: null, limits: null },
    { saved: { ...SAVED, format: 2 }, limits: null },
    { saved: { ...SAVED, route: 5 }, limits: null },
    { saved: { ...SAVED, isStartOwed: 'yes' }, limits: null },
    { saved: { ...SAVED, rollout: null }, limits: null },
    { saved: { ...SAVED, rollout: { ...SAVED.rollout, state: null } }, limits: null },
    { saved: { ...SAVED, decision: undefined }, limits: null },
    { saved: { ...SAVED, generation: null }, limits: null },
    { saved: { ...SAVED, rollout: { state: { kind: 'idle' } } }, limits: null },
    {
      saved: { ...SAVED, rollout: { ...SAVED.rollout, state: { kind: 'rolled-back', forMs: 1, by: 'person' } } },
      limits: null,
    },
    { saved: SAVED },
    { saved: SAVED, limits: { ...LIMITS, id: 5 } },
    { saved: SAVED, limits: { ...LIMITS, canaryMs: [1] } },
    { saved: SAVED, limits: { ...LIMITS, stableMs: [...TIMES.slice(1), null] } },
  ];
  for (const value of wrong) assert.equal(isNews(value), false, JSON.stringify(value));
});

test('a decision of an earlier release tells of endpoints by their slots', () => {
  const rig = new Rig();
  rig.run(30, 5);
  const decision = rig.decisions.at(-1) as Decision;
  const telling = (spared: readonly unknown[]): boolean => {
    const verdict = { ...decision.verdict, errors: { ...decision.verdict.errors, spared } };
    return isNews({ saved: { ...SAVED, decision: { ...decision, verdict } }, limits: null });
  };
  assert.deepEqual([[], [3], ['10.0.0.1:80']].map(telling), [true, true, true]);
  assert.deepEqual([[null], [-1], [{}]].map(telling), [false, false, false]);
});

for (const spec of [SPEC, SEVERAL]) {
  test(`a decision is checked to the last field: ${spec.companions?.length ?? 0} companions`, () => isChecked(spec));
}

function isChecked(spec: RolloutSpec): void {
  const rig = new Rig([spec]);
  rig.run(3, 5);
  const [saved] = rig.controller.save(rig.nowMs);
  assert.equal(saved?.rollout.state.kind, 'rolled-back');
  assert.equal(isNews(parsed({ saved, limits: null })), true);
  for (const path of pathsOf(saved.decision)) {
    const news = parsed({ saved, limits: null }) as { saved: { decision: object } };
    let parent = news.saved.decision as Record<string, unknown>;
    for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, unknown>;
    parent[path.at(-1) as string] = {};
    assert.equal(isNews(news), false, path.join('.'));
  }
}

const parsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Where its texts, numbers and nulls are. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return Object.entries(value).flatMap(([name, part]) => pathsOf(part).map((path) => [name, ...path]));
}

test('a place is the same whenever it is looked at, and another one on another step', () => {
  const { rollout } = SAVED;
  const at = (state: SavedRollout['rollout']['state']): string => placeOf({ ...SAVED, rollout: { ...rollout, state } });
  assert.equal(at({ kind: 'progressing', step: 1, forMs: 99, waitingForMs: 99 }), placeOf(SAVED));
  assert.notEqual(at({ kind: 'progressing', step: 2, forMs: 5 }), placeOf(SAVED));
  assert.notEqual(at({ kind: 'paused', step: 1, forMs: 5 }), placeOf(SAVED));
});
