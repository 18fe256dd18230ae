import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logTools } from '#src/compose/answers/log-tools.ts';
import { wildHistory } from '../../../support/simulate/watch/recorded.ts';
import { linesOf } from '../../../support/state/lines.ts';

test('a log is replayed from its lines', () => {
  const { decisions, segments, ticks } = wildHistory(2, 400);
  const report = logTools.replay(linesOf(decisions, segments), null);
  assert.deepEqual(
    report.tapes.map(({ differsAt }) => differsAt),
    report.tapes.map(() => null),
  );
  assert.ok(report.ticks > 0 && report.ticks <= ticks);
});

test('a tape that is none has a stable code', () => {
  const name = { watch: 'w', route: 'r', number: 1, at: '', previous: '', hash: '' };
  const lines = [{ kind: 'segment', ...name, bytes: Uint8Array.of(99) } as const];
  assert.throws(() => logTools.replay(lines, null), { code: 'SLU_LOG_UNREADABLE' });
});
