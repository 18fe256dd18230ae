/** One tape, gone through with the decisions that name it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Watch } from '#src/cli/log/verify/watch.ts';
import type { Decision } from '#src/model/slo.ts';
import { Recorded } from '../../../../support/simulate/watch/recorded.ts';

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

test('a decision that the log does not have is missed', () => {
  const { segments, decisions } = rolledBack();
  const { faults } = faultsOf(decisions.slice(1), segments);
  assert.match(faults.join(), /decision 1 of .* is on its tape and not in the log/);
});

test('a tape without its beginning is refused', () => {
  const { segments } = rolledBack();
  assert.throws(() => faultsOf([], segments.slice(1)), /does not begin with its beginning/);
});
