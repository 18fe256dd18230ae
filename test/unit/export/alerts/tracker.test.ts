import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ACTIVE_MAX, GRACE_MS, TAKEOVER_MS, Tracker } from '#src/export/alerts/tracker.ts';
import type { Condition } from '#src/model/threads/load/alerts.ts';
import { asSaved, sampleCondition, WALL_MS } from '../../../support/readings/alerts.ts';

const TICKET = sampleCondition();
const PAGE = sampleCondition({ severity: 'page', key: 'page' });

/** Kinds of the changes of one look after another, a second apart. */
function looks(tracker: Tracker, seen: readonly (readonly Condition[])[], fromMs = WALL_MS): string[][] {
  return seen.map((conditions, n) => tracker.look(conditions, fromMs + n * 1000).map(({ kind }) => kind));
}

suite('tracker', () => {
  test('a ticket begins at once, goes on in silence, and ends after two looks without it', () => {
    const tracker = new Tracker();
    assert.deepEqual(looks(tracker, [[TICKET], [TICKET], [], [TICKET], [], [], []]), [
      ['began'],
      [],
      [],
      [],
      [],
      ['ended'],
      [],
    ]);
    assert.deepEqual(tracker.active, []);
  });

  test('a page needs two violations in a row', () => {
    const tracker = new Tracker();
    assert.deepEqual(looks(tracker, [[PAGE], [], [PAGE], [], [PAGE], [PAGE], [PAGE]]), [
      [],
      [],
      [],
      [],
      [],
      ['began'],
      [],
    ]);
  });

  test('an alert tells when it began and ended, and the newest sentence', () => {
    const tracker = new Tracker();
    looks(tracker, [[TICKET], [{ ...TICKET, sentence: 'worse' }]]);
    tracker.look([], WALL_MS + 60_000);
    const [ended] = tracker.look([], WALL_MS + 61_000);
    const { state, sentence, startedAtMs, endedAtMs } = ended?.alert ?? assert.fail();
    assert.deepEqual([state, sentence, startedAtMs, endedAtMs], ['resolved', 'worse', WALL_MS, WALL_MS + 61_000]);
  });

  test('what is told once does not end', () => {
    const info = sampleCondition({ severity: 'info', key: 'promoted' });
    assert.deepEqual(looks(new Tracker(), [[info], [info], [], [], []]), [['began'], [], [], [], []]);
  });

  test('one key is one alert, however often it is seen in a look', () => {
    assert.deepEqual(looks(new Tracker(), [[TICKET, TICKET]]), [['began']]);
  });

  test('what another gateway tells is followed in silence, and taken over', () => {
    const elsewhere = { ...TICKET, isElsewhere: true };
    const tracker = new Tracker();
    assert.deepEqual(looks(tracker, [[elsewhere], [elsewhere]]), [[], []]);
    assert.deepEqual(tracker.active, []);
    assert.deepEqual(looks(tracker, [[TICKET]], WALL_MS + TAKEOVER_MS), [['taken']]);
    assert.equal(tracker.ours.length, 1);
    // The other one leads again: it says when it ends.
    assert.deepEqual(looks(tracker, [[elsewhere], [], []], WALL_MS + 2 * TAKEOVER_MS), [[], [], []]);
    const early = new Tracker();
    looks(early, [[elsewhere]]);
    assert.deepEqual(looks(early, [[TICKET]], WALL_MS + TAKEOVER_MS - 1), [['began']], 'it may not have been told');
  });

  test('what an earlier process told is not told anew, and does not end before its parts can be seen', () => {
    const before = new Tracker();
    looks(before, [[TICKET]]);
    const tracker = new Tracker();
    tracker.recall(asSaved(before.save()), WALL_MS);
    assert.deepEqual(looks(tracker, [[], [], [], [TICKET], [], []]), [[], [], [], [], [], ['ended']]);
    const gone = new Tracker();
    gone.recall(before.save(), WALL_MS);
    assert.deepEqual(looks(gone, [[], [], []], WALL_MS + GRACE_MS - 1000), [[], [], ['ended']]);
  });

  test('what it has told itself stays told when the state opens late', () => {
    const before = new Tracker();
    before.look([PAGE], WALL_MS);
    const tracker = new Tracker();
    looks(tracker, [[PAGE], [PAGE]]);
    tracker.recall(before.save(), WALL_MS);
    assert.deepEqual(looks(tracker, [[PAGE], [PAGE]], WALL_MS + 5000), [[], []]);
  });

  test('beyond its room conditions are counted, and come in when there is some', () => {
    const many = Array.from({ length: ACTIVE_MAX }, (_, n) => sampleCondition({ key: `k${n}` }));
    const tracker = new Tracker();
    tracker.look(many, WALL_MS);
    assert.deepEqual(tracker.look([...many, PAGE, TICKET], WALL_MS), []);
    assert.equal(tracker.dropped, 2);
    tracker.look([TICKET], WALL_MS);
    tracker.look([TICKET], WALL_MS);
    assert.deepEqual(
      tracker.look([TICKET], WALL_MS).map(({ kind }) => kind),
      ['began'],
    );
    tracker.recall(new Tracker().save(), WALL_MS);
    const full = new Tracker();
    full.look(many, WALL_MS);
    full.recall(tracker.save(), WALL_MS);
    assert.equal(full.save().length, ACTIVE_MAX);
  });
});
