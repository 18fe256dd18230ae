/** The verifier's own reader sees what the gateway's writer wrote. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rows } from '#src/cli/log/verify/rows.ts';
import { TapeReader } from '#src/slo/replay/read.ts';
import { wildHistory } from '../../../../support/simulate/watch/recorded.ts';

test('row by row the same as the gateway’s own reader', () => {
  const { segments } = wildHistory(15, 900);
  const readers = new Map(segments.map(({ watch }) => [watch, { own: new Rows(), theirs: new TapeReader() }]));
  const kinds = new Set<string>();
  for (const { watch, bytes } of segments) {
    const { own, theirs } = readers.get(watch) as { own: Rows; theirs: TapeReader };
    const mine = [...own.of(bytes)].map(({ kind, nowMs }) => [kind, nowMs]);
    let nowMs = 0;
    const others = [...theirs.rows(bytes)].map((row) => {
      if ('nowMs' in row) nowMs = row.nowMs;
      if (row.kind === 'open') nowMs = row.open.nowMs;
      return [row.kind, nowMs];
    });
    assert.deepEqual(
      mine.map(([kind]) => kind),
      others.map(([kind]) => kind),
    );
    for (const [n, row] of mine.entries()) if (row[0] === 'look') assert.deepEqual(row, others[n]);
    for (const [kind] of mine) kinds.add(String(kind));
  }
  assert.ok(['open', 'look', 'decided', 'budget', 'freeze', 'weigh'].every((kind) => kinds.has(kind)));
});

test('what is no tape is refused', () => {
  assert.throws(() => [...new Rows().of(Uint8Array.of(77))], /code 77 is not known/);
  assert.throws(() => [...new Rows().of(Uint8Array.of(2, 50, 65))], RangeError);
  assert.throws(() => [...new Rows().of(Uint8Array.of(129, ...Array<number>(9).fill(255)))], /no end/);
});
