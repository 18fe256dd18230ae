import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const withPaths = (paths: string) => `${SOUND}    slo: {availability: 0.9, ignorePaths: [${paths}]}\n`;

test('an ignored path stands once', () => {
  assertProblem(withPaths('/healthz, /livez, «/healthz'), 'SLU1072', '');
});

test('ignored paths are those of requests: normalized, without a query', () => {
  assertProblem(withPaths('«healthz'), 'SLU1035', 'did you mean /healthz?');
  assertProblem(withPaths('"«/healthz?x=1"').replace('"«', '«"'), 'SLU1035', /query/);
  assert.deepEqual(configOf(withPaths('/healthz, /')).routes[0]?.slo?.ignorePaths, ['/healthz', '/']);
});
