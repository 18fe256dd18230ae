import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { EVENTS_MAX, eventsKey, eventsOf } from '#src/admin/page/events.ts';
import type { RevisionEntry } from '#src/model/threads/revision.ts';
import { sampleDecision } from '../../../support/readings/status.ts';

function revision(number: number, at: string): RevisionEntry {
  const kept = { bytes: 0, release: '0.1.0', verifiedWith: null, isKept: true };
  return {
    number,
    revision: number,
    hash: 'ab'.repeat(32),
    at,
    origin: ['gateway.yaml'],
    contentOf: number,
    routes: 1,
    ...kept,
  };
}

suite('events', () => {
  test('decisions and configurations are one list, newest first, and bounded', () => {
    const decisions = Array.from({ length: 60 }, (_, n) => ({
      ...sampleDecision(),
      id: n + 1,
      at: new Date(n * 2000).toISOString(),
    }));
    const revisions = [revision(2, new Date(119_000).toISOString()), revision(1, new Date(1).toISOString())];
    const events = eventsOf(decisions, revisions);
    assert.equal(events.length, EVENTS_MAX);
    assert.deepEqual(
      events.slice(0, 2).map(({ id, kind }) => [id, kind]),
      [
        ['r2', 'reload'],
        ['d60', 'rollback'],
      ],
    );
    assert.ok(events.every(({ atMs }, n) => n === 0 || atMs <= (events[n - 1]?.atMs ?? 0)));
  });

  test('a decision opens to the counts of both units, the evidence and the weights', () => {
    const [event] = eventsOf([sampleDecision()], []);
    const facts = new Map(event?.facts);
    assert.match(facts.get('Requests') ?? '', /bad of \d+, .* bad of \d+/);
    assert.match(facts.get('Verdict') ?? '', /nats \(alpha 0\.001\)/);
    assert.match(facts.get('Weight of the canary') ?? '', /^\d+ → 0$/);
    assert.equal(event?.tone, 'bad');
  });

  test('a decision tells whose failures were left out', () => {
    const { verdict } = sampleDecision();
    const leftOut = (...spared: readonly (string | number)[]): string | undefined => {
      const errors = { ...verdict.errors, spared };
      const [event] = eventsOf([sampleDecision({ verdict: { ...verdict, errors } })], []);
      return new Map(event?.facts).get('Left out');
    };
    assert.equal(leftOut('10.0.0.7:80', '10.0.0.7:80'), 'failures of 10.0.0.7:80');
    assert.deepEqual([leftOut(), leftOut(3)], [undefined, undefined]);
  });

  test('a revert tells what was taken back', () => {
    const certificate = {
      format: 1 as const,
      alpha: 0.001,
      routes: 1,
      blocks: [],
      unchanged: null,
      turns: null,
      beside: { routes: 0, logRise: null },
    };
    const counts = {
      track: 'errors' as const,
      logE: 8,
      threshold: 6.9,
      tookMs: 1200,
      finished: 100,
      failed: 40,
      limit: 0.01,
    };
    const [event] = eventsOf(
      [
        {
          id: 3,
          at: '2026-11-01T08:00:00.000Z',
          kind: 'revert',
          trigger: 'evidence',
          route: 'shop',
          sentence: 's',
          revision: 4,
          from: 'a'.repeat(64),
          to: 'b'.repeat(64),
          ...counts,
          certificate,
        },
      ],
      [],
    );
    assert.deepEqual(event?.facts[0], ['What counted', 'errors: 40 of 100, 0.01 tolerated']);
  });

  test('the key changes with every decision and every configuration', () => {
    const keys = [
      eventsKey([], []),
      eventsKey([sampleDecision()], []),
      eventsKey([sampleDecision()], [revision(1, '')]),
    ];
    assert.equal(new Set(keys).size, 3);
  });
});
