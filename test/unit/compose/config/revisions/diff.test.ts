import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRevisions, unknownRevision } from '#src/compose/config/revisions/diff.ts';
import type { Config } from '#src/model/config.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

const weighing = (weight: number): Config => configOf(SOUND.replace('weight: 5}', `weight: ${weight}}`));

function rig() {
  const history = new History('1');
  for (const weight of [1, 2]) {
    const hash = String(weight).repeat(64);
    history.add({ config: weighing(weight), revision: weight, hash, at: 'now', origin: [], contentOf: null });
  }
  return { history, inForce: weighing(2), sourced: weighing(3) };
}

test('sides are told by number and hash; empty is what is in force, and the one before', () => {
  const result = compareRevisions(rig(), '', '');
  assert.ok(result.kind === 'done');
  const { before, after, changes } = result.diff;
  assert.deepEqual(
    [before, after, changes.map((one) => [one.before, one.after])],
    ['1 11111111', '2 22222222', [[1, 2]]],
  );
  const sourced = compareRevisions(rig(), 'sources', '');
  assert.deepEqual(sourced.kind === 'done' && sourced.diff.changes.map((one) => [one.before, one.after]), [[3, 2]]);
});

test('what there is not is said with what is kept', () => {
  const detail = 'there is no revision 9; 1 to 2 are kept';
  assert.deepEqual(compareRevisions(rig(), '1', '9'), { kind: 'unknown', detail });
  assert.deepEqual(unknownRevision(rig().history, '9'), { kind: 'unknown', detail });
  assert.equal(compareRevisions({ ...rig(), sourced: null }, 'sources', '').kind, 'unknown');
  const empty = { history: new History('1'), inForce: null, sourced: null };
  assert.deepEqual(compareRevisions(empty, '', ''), {
    kind: 'unknown',
    detail: 'there is no revision before this one',
  });
});
