/** What is made of defects: contained once the gateway serves, told once per kind, counted always, bounded in kinds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatCheck, readinessChecks } from '#src/admin/checks.ts';
import { formatStatus } from '#src/cli/admin/status.ts';
import { Defects, KINDS_MAX, RETELL_MS } from '#src/compose/watches/defects.ts';
import { DEFECT_CODE } from '#src/model/threads/load/defects.ts';
import { codeOf } from '#src/sources/problems/codes.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

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

const SECRET = 'c2VjcmV0/dG9rZW4x';

/** What the secrets of a configuration come to be quoted by: each throws what says one. */
const QUOTES: readonly (() => unknown)[] = [
  // A header that a document sets, the token of a store, of a collector, of a channel.
  () => new Headers({ authorization: `Bearer ${SECRET}\nx: y` }),
  // The key of a channel, a file that should have held JSON.
  (): unknown => JSON.parse(SECRET),
  // The URL of a channel; of a Redis, with its password.
  () => new URL(`https://a.example:${SECRET}`),
  () => {
    throw new Error(`no answer of rediss://shop:${SECRET}@a.example`);
  },
  // A private key: lines, one of which looks like a place in the program.
  () => {
    throw new Error(`no key:\n-----BEGIN PRIVATE KEY-----\n    at ${SECRET}:1:1\n-----END PRIVATE KEY-----`);
  },
  // The admin token, as class, as code and as what is thrown.
  () => {
    throw Object.assign(new Error('odd'), { name: `Bearer ${SECRET}`, code: SECRET });
  },
  () => {
    throw new Error('odd', { cause: new Error(SECRET) });
  },
  () => {
    throw SECRET as unknown as Error;
  },
];

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
    const [{ hint, error, kind: name, ...line }] = lines as [Record<string, unknown>];
    const told = { event: 'defect', code: DEFECT_CODE, part: 'rollouts', about: 'checkout', count: 1, untold: 0 };
    assert.deepEqual(line, told);
    assert.match(String(name), /^TypeError at defects\.test\.ts:\d+:\d+$/);
    assert.match(String(hint), /sluice restart/);
    assert.ok(error instanceof TypeError);
    clock.nowMs = RETELL_MS;
    defects.contain('rollouts', fail, 'cart');
    assert.deepEqual(
      [lines.length, lines[1]?.['count'], lines[1]?.['untold'], lines[1]?.['about']],
      [2, 1001, 999, 'cart'],
    );
    const [kind] = defects.status.kinds;
    const { firstAt, lastAt, count, about } = kind ?? {};
    const seen = { firstAt: 'at 0', lastAt: `at ${RETELL_MS}`, count: 1001, about: 'cart' };
    assert.deepEqual([{ firstAt, lastAt, count, about }, kind?.kind], [seen, name]);
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
    const found = defects.status.kinds.map(({ part, kind, count }) => [part, kind, count]);
    assert.deepEqual(found, [
      ['fleet', 'Error at score.ts:1:7', 2],
      ['fleet', 'Error at score.ts:2:7', 1],
      ['drifts', 'Error at score.ts:1:7', 1],
      ['fleet', 'a thrown string', 1],
    ]);
  });

  it('is only counted when there are kinds enough', () => {
    const { defects, lines } = rig();
    defects.begin();
    for (let n = 0; n < 2 * KINDS_MAX; n++) defects.note('elsewhere', errorAt(n));
    assert.deepEqual([defects.status.kinds.length, lines.length], [KINDS_MAX, KINDS_MAX]);
    assert.equal(defects.status.counts.elsewhere, 2 * KINDS_MAX);
  });

  it('quotes no secret that its error quotes, wherever that is from', () => {
    const { defects, lines } = rig();
    defects.begin();
    for (const [index, quote] of QUOTES.entries()) {
      const before = lines.length;
      defects.contain('elsewhere', quote, `quote ${index}`);
      assert.equal(lines.length, before + 1, `quote ${index} is a kind of its own`);
    }
    const status = sampleStatus({ defects: defects.status });
    const shown = [JSON.stringify(status), ...readinessChecks(status).map(formatCheck), formatStatus(status)];
    for (const text of shown) assert.ok(!text.includes(SECRET), text);
    assert.ok(
      lines.some(({ error }) => error instanceof Error && error.message.includes(SECRET)),
      'the log has it',
    );
  });

  it('has a code of the table of problems', () => {
    assert.equal(codeOf('defect'), DEFECT_CODE);
  });
});
