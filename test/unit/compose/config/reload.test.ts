import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Reloaded, reloadAndWait } from '#src/compose/config/reload.ts';
import { nowMs } from '#src/lib/clock.ts';
import { sampleSource, sampleStatus } from '../../../support/readings/status.ts';

/** A configuration that is read again in steps, one for each look. */
function reading(steps: readonly ((state: State) => void)[], source = sampleSource({ staleMs: 1e9 })) {
  const { config } = sampleStatus();
  const state: State = { looks: 1, pending: 0, sources: [source], config };
  let isAsked = false;
  let looks = 0;
  const read: Reloaded = {
    reload: () => void (isAsked = true),
    reading: () => {
      if (isAsked) steps[looks++]?.(state);
      return { ...state };
    },
    config: () => state.config,
    number: () => 7,
  };
  return { read, looks: () => looks };
}

interface State {
  looks: number;
  pending: number;
  sources: ReturnType<typeof sampleSource>[];
  config: ReturnType<Reloaded['config']>;
}

const confirm = (state: State): void => {
  const atMs = nowMs();
  const [source = sampleSource()] = state.sources;
  // As a source's own status has it: it ages.
  state.sources = [{ ...source, staleMs: 0 }];
  Object.defineProperty(state.sources[0], 'staleMs', { get: () => nowMs() - atMs });
};
const swap = (state: State): void => {
  state.config = { ...state.config, hash: 'cd'.repeat(32) };
};

suite('a reload that is waited for', { timeout: 120_000 }, () => {
  test('is over when the file was looked at, every source has answered, and every worker has what came of it', async () => {
    const { read, looks } = reading([
      () => undefined,
      (state) => void (state.looks = 2),
      (state) => {
        state.pending = 1;
        confirm(state);
      },
      swap,
      (state) => void (state.pending = 0),
    ]);
    const answer = await reloadAndWait(read);
    assert.ok(answer.kind === 'done' && looks() >= 5);
    assert.deepEqual([answer.outcome, answer.number, answer.hash], ['accepted', 7, 'cd'.repeat(32)]);
  });

  test('the same content is unchanged, and one with problems is refused with them', async () => {
    const same = (state: State): void => {
      state.looks++;
      confirm(state);
    };
    const unchanged = await reloadAndWait(reading([same]).read);
    assert.ok(unchanged.kind === 'done' && unchanged.outcome === 'unchanged');
    const problem = { code: 'SLU1012', file: 'a', line: 1, column: 1, path: '', expected: '', got: '', hint: '' };
    const refuse = (state: State): void => {
      same(state);
      const { reloads } = state.config;
      const last = { at: '', result: 'refused' as const, problems: [problem] };
      state.config = { ...state.config, reloads: { ...reloads, refused: reloads.refused + 1 }, last };
    };
    const refused = await reloadAndWait(reading([refuse]).read);
    assert.ok(refused.kind === 'done');
    assert.deepEqual([refused.outcome, refused.problems], ['refused', [problem]]);
  });

  test('a source that fails has answered, and is named', async () => {
    const fail = (state: State): void => {
      state.looks++;
      const [source = sampleSource()] = state.sources;
      state.sources = [{ ...source, errors: source.errors + 1, lastError: 'ECONNREFUSED' }];
    };
    const answer = await reloadAndWait(reading([fail], sampleSource({ name: 'consul x', staleMs: 1e9 })).read);
    assert.ok(answer.kind === 'done');
    assert.deepEqual(answer.unanswered, [{ source: 'consul x', because: 'ECONNREFUSED' }]);
  });
});
