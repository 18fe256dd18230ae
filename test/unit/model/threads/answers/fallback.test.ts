/** Which failures a fallback may answer for. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FALLBACK_REASONS, serviceSteps } from '#src/model/threads/answers/fallback.ts';

test('a fallback answers for what is a 5xx and bad for the route, never for a client’s mistake or a cut answer', () => {
  assert.deepEqual(FALLBACK_REASONS, [
    'shed',
    'no_endpoint',
    'connect_refused',
    'connect_timeout',
    'tls_failed',
    'response_timeout',
    'upstream_reset',
    'upstream_protocol',
    'internal',
    'dns_failed',
    'circuit_open',
    'fault_injected',
    'stream_refused',
  ]);
});

test('the steps that ask a version are found, of nothing none', () => {
  const steps = [{ kind: 'stale' }, { kind: 'service', n: 1 }, { kind: 'static' }, { kind: 'service', n: 2 }] as const;
  assert.deepEqual(serviceSteps(steps), [steps[1], steps[3]]);
  assert.deepEqual(serviceSteps(undefined), []);
});
