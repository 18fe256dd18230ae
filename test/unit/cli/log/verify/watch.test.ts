/** One tape, gone through with the decisions that name it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Watch } from '#src/cli/log/verify/watch.ts';
import type { Decision } from '#src/model/slo.ts';
import {
  inFormat,
  QUICK,
  QUICK_SEVERAL,
  Recorded,
  sparingHistory,
} from '../../../../support/simulate/watch/recorded.ts';

function rolledBack() {
  const gateway = new Recorded(5, undefined, { canaryErrorRatio: 1 });
  for (let n = 0; n < 200 && gateway.decisions.at(-1)?.kind !== 'rollback'; n++) gateway.tick();
  const { segments, decisions } = gateway.end();
  const watch = segments[0]?.watch;
  return { segments: segments.filter((one) => one.watch === watch), decisions };
}

function faultsOf(decisions: readonly Decision[], segments: ReturnType<typeof rolledBack>['segments']): Watch {
  const watch = new Watch(new Map(decisions.map((decision) => [decision.id, decision])));
  for (const segment of segments) watch.take(segment);
  watch.end();
  return watch;
}

test('every decision on it is found, and nothing is wrong with them', () => {
  const { segments, decisions } = rolledBack();
  const { found, faults, looks } = faultsOf(decisions, segments);
  assert.deepEqual([faults, [...found.values()].flat()], [[], []]);
  assert.ok(found.size >= 2 && looks > 0, `${found.size} decisions, ${looks} looks`);
});

test('tapes of earlier releases, which tell of endpoints by their slots, are read as they were', () => {
  for (const [format, spec] of [
    [1, QUICK],
    [2, QUICK_SEVERAL],
  ] as const) {
    const { segments, decisions } = sparingHistory(spec);
    const watch = segments[0]?.watch;
    const own = inFormat(format, segments).filter((one) => one.watch === watch);
    const { found, faults } = faultsOf(decisions, own);
    assert.deepEqual([faults, [...found.values()].flat()], [[], []]);
    assert.ok(decisions.some(({ verdict }) => verdict.errors.spared.includes(2)));
  }
});

test('a tape of a format that is not known is refused', () => {
  const { segments } = rolledBack();
  const later = inFormat(1, segments).map((segment) => {
    const text = Buffer.from(segment.bytes).toString('latin1').replace('"format":1', '"format":4');
    return { ...segment, bytes: Buffer.from(text, 'latin1') };
  });
  assert.throws(() => faultsOf([], later), /its tape has format 4, known are 1, 2, 3/);
});

test('a decision that the log does not have is missed', () => {
  const { segments, decisions } = rolledBack();
  const { faults } = faultsOf(decisions.slice(1), segments);
  assert.match(faults.join(), /decision 1 of .* is on its tape and not in the log/);
});

test('a tape without its beginning is refused', () => {
  const { segments } = rolledBack();
  assert.throws(() => faultsOf([], segments.slice(1)), /does not begin with its beginning/);
});
