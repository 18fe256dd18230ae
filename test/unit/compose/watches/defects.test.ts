/** What is made of defects: contained once the gateway serves, told once per kind, counted always, bounded in kinds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Defects, KINDS_MAX, RETELL_MS } from '#src/compose/watches/defects.ts';
import { DEFECT_CODE } from '#src/model/threads/load/defects.ts';
import { codeOf } from '#src/sources/problems/codes.ts';

function rig() {
  const lines: Record<string, unknown>[] = [];
  const clock = { nowMs: 0 };
  const defects = new Defects({
    log: { error: (event, fields) => void lines.push({ event, ...fields }) },
    nowMs: () => clock.nowMs,
    wallTime: () => `at ${clock.nowMs}`,
  });
  return { lines, clock, defects };
}

function fail(): never {
  throw new TypeError('odd');
}

/** The same error as if it came up at another place. */
function errorAt(line: number): Error {
  const error = new Error('elsewhere');
  error.stack = `Error: elsewhere\n    at look (file:///src/slo/score.ts:${line}:7)\n    at node:internal:1:1`;
  return error;
}

describe('a defect', () => {
  it('is thrown on before the gateway serves: a start that fails must fail', () => {
    const { defects, lines } = rig();
    assert.throws(() => defects.contain('counts', fail), /odd/);
    assert.throws(() => defects.note('counts', new Error('bad')), /bad/);
    assert.deepEqual([defects.status.kinds, lines], [[], []]);
  });

  it('goes no further then, and what comes after it is done', () => {
    const { defects } = rig();
    defects.begin();
    const done: string[] = [];
    defects.contain('counts', fail);
    defects.contain('drifts', () => void done.push('drifts'));
    assert.deepEqual(done, ['drifts']);
    assert.deepEqual([defects.status.counts.counts, defects.status.counts.drifts], [1, 0]);
  });

  it('is told with its code, part, place and what to do, once an hour per kind, and counted always', () => {
    const { defects, lines, clock } = rig();
    defects.begin();
    for (let n = 0; n < 1000; n++) defects.contain('rollouts', fail, 'checkout');
    assert.equal(lines.length, 1);
    const [{ hint, error, where, ...line }] = lines as [Record<string, unknown>];
    const told = { event: 'defect', code: DEFECT_CODE, part: 'rollouts', about: 'checkout', count: 1, untold: 0 };
    assert.deepEqual(line, told);
    assert.match(String(where), /^defects\.test\.ts:\d+:\d+$/);
    assert.match(String(hint), /sluice restart/);
    assert.ok(error instanceof TypeError);
    clock.nowMs = RETELL_MS;
    defects.contain('rollouts', fail, 'cart');
    assert.deepEqual(
      [lines.length, lines[1]?.['count'], lines[1]?.['untold'], lines[1]?.['about']],
      [2, 1001, 999, 'cart'],
    );
    const [kind] = defects.status.kinds;
    const { firstAt, lastAt, count, message, about } = kind ?? {};
    const seen = { firstAt: 'at 0', lastAt: `at ${RETELL_MS}`, count: 1001, message: 'TypeError: odd', about: 'cart' };
    assert.deepEqual({ firstAt, lastAt, count, message, about }, seen);
    assert.equal(defects.status.counts.rollouts, 1001);
  });

  it('is of another kind in another part, at another place, or with another name', () => {
    const { defects } = rig();
    defects.begin();
    const kinds = [
      ['fleet', errorAt(1)],
      ['fleet', errorAt(2)],
      ['drifts', errorAt(1)],
      ['fleet', 'a text'],
      ['fleet', errorAt(1)],
    ] as const;
    for (const [part, error] of kinds) defects.note(part, error);
    const found = defects.status.kinds.map(({ part, where, count, message }) => [part, where, count, message]);
    assert.deepEqual(found, [
      ['fleet', 'score.ts:1:7', 2, 'Error: elsewhere'],
      ['fleet', 'score.ts:2:7', 1, 'Error: elsewhere'],
      ['drifts', 'score.ts:1:7', 1, 'Error: elsewhere'],
      ['fleet', '', 1, 'a text'],
    ]);
  });

  it('is only counted when there are kinds enough, and its message is cut', () => {
    const { defects, lines } = rig();
    defects.begin();
    defects.note('alerts', new Error('x'.repeat(10_000)));
    for (let n = 0; n < 2 * KINDS_MAX; n++) defects.note('elsewhere', errorAt(n));
    assert.deepEqual([defects.status.kinds.length, lines.length], [KINDS_MAX, KINDS_MAX]);
    assert.equal(defects.status.counts.elsewhere, 2 * KINDS_MAX);
    assert.equal(defects.status.kinds[0]?.message.length, 500);
  });

  it('has a code of the table of problems', () => {
    assert.equal(codeOf('defect'), DEFECT_CODE);
  });
});
