import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf } from '#src/cli/live/facts.ts';
import { sampleRoute, sampleSlo, sampleStatus } from '../../../support/readings/status.ts';

test('facts stay the same while only counts change, and follow what happens', () => {
  const before = factsOf(sampleStatus(), null);
  assert.deepEqual(
    factsOf(sampleStatus({ uptimeMs: 1e9, routes: [sampleRoute({ requests: 123_456 })] }), null),
    before,
  );
  assert.ok(
    before.some((line) => /^route checkout weights checkout v1 \d+, /.test(line)),
    before.join('\n'),
  );
  const draining = factsOf(sampleStatus({ ready: false, notReadyBecause: 'draining' }), null);
  assert.match(draining[0] ?? '', /not ready: draining$/);
});

test('of one route only its own are told, firing alerts among them', () => {
  const alerts = [{ severity: 'page', long: '1h', short: '5m', factor: 14.4, isFiring: true, firingForMs: 1 }] as const;
  const status = sampleStatus({
    routes: [sampleRoute(), sampleRoute({ name: 'other' })],
    slos: [
      sampleSlo({ scope: 'route', name: 'other', alerts }),
      sampleSlo({ scope: 'route', name: 'checkout', alerts }),
    ],
  });
  const facts = factsOf(status, 'other');
  assert.ok(
    facts.every((line) => line.startsWith('route other ')),
    facts.join('\n'),
  );
  assert.ok(facts.some((line) => line.includes('page: burn above 14.4x over 1h and 5m')));
});
