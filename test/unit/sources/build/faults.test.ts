import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, SOUND } from '../../../support/config.ts';

const FROM = 'from: "2026-11-21T10:00:00Z"';

function faultsOf(text: string) {
  return configOf(`${SOUND}    faults: [${text}]\n`).routes[0]?.filters.faults;
}

test('a route without faults is as it was before there were any', () => {
  assert.equal('faults' in (configOf(SOUND).routes[0]?.filters ?? {}), false);
  assert.equal(faultsOf(''), undefined);
});

test('everything can be said of a fault', () => {
  const match = 'match: {version: v2, color: blue, header: {name: X-Game, value: day}}';
  const delay = 'delay: {time: 200ms, distribution: exponential}';
  assert.deepEqual(
    faultsOf(`{name: slow, ${match}, percent: 2.5, ${delay}, abort: {status: 503}, ${FROM}, for: 30m}`),
    [
      {
        id: 'shop/slow',
        match: { version: 'v2', color: 'blue', header: { name: 'x-game', value: 'day' } },
        ratio: 0.025,
        delay: { ms: 200, distribution: 'exponential' },
        abortStatus: 503,
        fromMs: Date.UTC(2026, 10, 21, 10),
        untilMs: Date.UTC(2026, 10, 21, 10, 30),
      },
    ],
  );
});

test('what is not said is everybody, always, and nothing else', () => {
  assert.deepEqual(faultsOf(`{name: slow, delay: {time: 1s}, ${FROM}, until: "2026-11-21T12:00:00+01:00"}`), [
    {
      id: 'shop/slow',
      match: { version: null, color: null, header: null },
      ratio: 1,
      delay: { ms: 1000, distribution: 'fixed' },
      abortStatus: null,
      fromMs: Date.UTC(2026, 10, 21, 10),
      untilMs: Date.UTC(2026, 10, 21, 11),
    },
  ]);
});
