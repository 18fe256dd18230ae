import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isQuiet, notesOf } from '../../../../../bench/macro/report/notes.ts';
import {
  closedOutcome,
  closedSeries,
  idleOutcome,
  latencyOutcome,
  latencySeries,
  QUIET,
} from '../../support/outcomes.ts';

describe('notes', () => {
  test('are none when all is well', () => {
    for (const outcome of [
      closedOutcome('small-get', [closedSeries('nginx', [10])]),
      latencyOutcome([latencySeries('nginx', [1])]),
      idleOutcome([5]),
    ]) {
      assert.deepEqual(notesOf(outcome), []);
      assert.ok(isQuiet(outcome));
    }
  });

  test('tell who was disturbed most, and how often', () => {
    const quiet = closedSeries('nginx', [10, 10]);
    const noisy = closedSeries('sluice', [10, 10], {}, { noiseRatio: 0.31 });
    const outcome = closedOutcome('small-get', [quiet, noisy]);
    assert.ok(!isQuiet(outcome));
    const [note, ...others] = notesOf(outcome);
    assert.deepEqual(others, []);
    assert.match(note ?? '', /NOT QUIET: others took up to 0\.31 of a core \(sluice, round 1\), too much in 2 of 4/);
  });

  test('tell what the hypervisor took, also from the open loop', () => {
    const outcome = latencyOutcome([latencySeries('nginx', [1], { usage: { ...QUIET, stealRatio: 0.1 } })]);
    assert.ok(!isQuiet(outcome));
    assert.match(notesOf(outcome).join('\n'), /the hypervisor took up to 0\.10/);
  });

  test('tell whose requests per second are those of the load', () => {
    const limited = closedSeries('haproxy', [10], {}, { loadCoreRatio: 0.99, gatewayRatio: 0.6 });
    const notes = notesOf(closedOutcome('small-get', [limited, closedSeries('nginx', [10])]));
    assert.deepEqual(notes, [
      'load and upstream were the bottleneck of haproxy 1.0: requests/s and latency are theirs',
    ]);
  });

  test('tell when the generator could not keep its schedule', () => {
    const notes = notesOf(latencyOutcome([latencySeries('nginx', [1], { lateP99Ms: 0.5 })]));
    assert.deepEqual(notes, ['the load generator itself was late with nginx']);
  });

  test('do not mistake an unpinned run for a quiet core', () => {
    const unpinned = closedSeries('nginx', [10], {}, { noiseRatio: null, stealRatio: null, loadCoreRatio: null });
    assert.deepEqual(notesOf(closedOutcome('small-get', [unpinned])), []);
  });
});
