import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Day, DigestClock, digestOf, localTime } from '#src/export/alerts/digest.ts';

const HOUR_MS = 3_600_000;
const NINE = { minute: 540, zone: 'Europe/Berlin' };

function utc(text: string): number {
  return Date.parse(`${text}:00Z`);
}

suite('digest', () => {
  test('the day and the minute are those of the zone', () => {
    assert.deepEqual(localTime('Asia/Shanghai', utc('2026-11-21T16:30')), { day: '2026-11-22', minute: 30 });
    assert.deepEqual(localTime('UTC', utc('2026-11-21T00:00')), { day: '2026-11-21', minute: 0 });
    assert.throws(() => localTime('Mars/Olympus', 0), RangeError);
  });

  test('is due once a day, from its minute on', () => {
    const clock = new DigestClock();
    const due = (text: string): boolean => clock.isDue(NINE, utc(text));
    assert.equal(due('2026-11-20T07:59'), false, 'the first look');
    assert.deepEqual(['2026-11-20T07:59', '2026-11-20T08:00', '2026-11-20T08:01', '2026-11-20T23:30'].map(due), [
      false,
      true,
      false,
      false,
    ]);
    assert.equal(due('2026-11-21T11:00'), true, 'late, because nobody looked before');
    assert.equal(due('2026-11-20T11:00'), false, 'a clock that was set back');
  });

  test('a gateway that begins after it waits for the next day, and one that was told goes on', () => {
    const clock = new DigestClock();
    assert.equal(clock.isDue(NINE, utc('2026-11-20T08:00')), false);
    assert.equal(clock.isDue(NINE, utc('2026-11-20T20:00')), false);
    assert.equal(clock.isDue(NINE, utc('2026-11-21T08:00')), true);
    const next = new DigestClock();
    next.recall(clock.day);
    assert.equal(next.isDue(NINE, utc('2026-11-21T09:00')), false);
    assert.equal(next.isDue(NINE, utc('2026-11-22T09:00')), true, 'restarted meanwhile');
    next.recall('2026-01-01');
    assert.equal(next.day, '2026-11-22');
  });

  test('a day that lacks the time, or has it twice, has one digest', () => {
    const night = { minute: 150, zone: 'Europe/Berlin' };
    for (const from of ['2026-03-28T12:00', '2026-10-24T12:00']) {
      const clock = new DigestClock();
      let count = 0;
      for (let n = 0; n < 24 * 4; n++) if (clock.isDue(night, utc(from) + (n * HOUR_MS) / 4)) count += 1;
      assert.equal(count, 1, from);
    }
  });

  test('tells budgets, the worst first, and what became of rollouts', () => {
    const slo = { scope: 'route', indicator: 'availability', targetRatio: 0.999 } as const;
    const now = utc('2026-11-21T09:00');
    const decision = (kind: 'rollback' | 'step', hoursAgo: number) => ({
      at: new Date(now - hoursAgo * HOUR_MS).toISOString(),
      kind,
      sentence: `${kind} ${hoursAgo} h ago`,
    });
    const day: Day = {
      slos: [
        { ...slo, name: 'fine', remainingRatio: 0.9 },
        { ...slo, name: 'low', remainingRatio: 0.2 },
        { ...slo, name: 'spent', remainingRatio: -0.5 },
        { ...slo, name: 'idle', remainingRatio: null },
      ],
      decisions: [decision('rollback', 30), decision('step', 3), decision('step', 2), decision('rollback', 1)],
      active: 2,
    };
    assert.deepEqual(digestOf(day, now), {
      title: 'daily digest',
      lines: [
        '4 objectives: 1 with the budget spent, 1 with less than 25 % left; 2 alerts go on',
        'route spent, availability 99.9 %: -50 % of the budget left',
        'route low, availability 99.9 %: 20 % of the budget left',
        'route fine, availability 99.9 %: 90 % of the budget left',
        '3 decisions in 24 h: 2 step, 1 rollback',
        'rollback 1 h ago',
      ],
    });
    const quiet = digestOf({ slos: [], decisions: [], active: 0 }, now).lines;
    assert.deepEqual(quiet.at(-1), '0 decisions in 24 h: none');
  });
});
