import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  backendRefsOf,
  buildHostnames,
  buildMatches,
  buildRetry,
  buildRoute,
  requestTimeoutOf,
  versionOf,
} from '#src/sources/build/route.ts';
import { DEFAULT_RETRY, NO_FILTERS } from '#src/sources/defaults.ts';

const SERVICES = { a: { versions: { v1: { endpoints: [] } } } };

test('a route that says nothing has every default', () => {
  assert.deepEqual(buildRoute({ name: 'r', backendRefs: [{ name: 'a' }] }, SERVICES), {
    name: 'r',
    hostnames: [],
    matches: [{ path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], query: [] }],
    backendRefs: [{ service: 'a', version: 'v1', weight: 1 }],
    sticky: null,
    requestTimeoutMs: 60_000,
    retry: { ...DEFAULT_RETRY },
    filters: NO_FILTERS,
    upgrade: { protocols: ['websocket'], onRollback: 'close' },
    slo: null,
    rollout: null,
    priority: 'default',
    rateLimits: [],
  });
});

describe('a match', () => {
  test('is in one spelling', () => {
    const matches = buildMatches({
      name: 'r',
      hostnames: [],
      matches: [
        {
          path: { value: '/a/' },
          method: 'GET',
          headers: [{ name: 'X-A', type: 'RegularExpression', value: 'B+' }],
          queryParams: [
            { name: 'Q', value: '' },
            { name: 'q', type: 'RegularExpression', value: '[0-9]+' },
          ],
        },
      ],
    });
    assert.deepEqual(matches, [
      {
        path: { type: 'PathPrefix', value: '/a' },
        method: 'GET',
        headers: [{ name: 'x-a', type: 'RegularExpression', value: 'B+' }],
        query: [
          { name: 'Q', type: 'Exact', value: '' },
          { name: 'q', type: 'RegularExpression', value: '[0-9]+' },
        ],
      },
    ]);
  });

  test('keeps the slash at the end of anything but a prefix', () => {
    const paths = (['Exact', 'PathPrefix', 'RegularExpression'] as const).map((type) => ({
      path: { type, value: '/a/' },
    }));
    assert.deepEqual(
      buildMatches({ name: 'r', matches: paths }).map(({ path }) => path.value),
      ['/a/', '/a', '/a/'],
    );
  });
});

test('retries, the time of an attempt and hedging come from three places', () => {
  const route = {
    name: 'r',
    retry: { attempts: 5, codes: [503, 429], backoff: '0s' },
    timeouts: { request: '2s', backendRequest: '500ms' },
    hedge: { after: '50ms' },
  };
  assert.deepEqual(buildRetry(route), {
    retriesMax: 5,
    statuses: [503, 429],
    backoffMs: 0,
    attemptTimeoutMs: 500,
    hedgeMs: 50,
  });
  assert.equal(requestTimeoutOf(route), 2000);
  assert.deepEqual(buildRetry({ name: 'r' }), {
    retriesMax: 1,
    statuses: [],
    backoffMs: 25,
    attemptTimeoutMs: Number.POSITIVE_INFINITY,
    hedgeMs: Number.POSITIVE_INFINITY,
  });
});

test('an empty list of protocols switches upgrades off', () => {
  const upgradeOf = (upgrade: NonNullable<Parameters<typeof buildRoute>[0]['upgrade']>) =>
    buildRoute({ name: 'r', upgrade }, SERVICES).upgrade;
  assert.deepEqual(upgradeOf({ protocols: [], onRollback: 'keep' }), { protocols: [], onRollback: 'keep' });
  assert.deepEqual(upgradeOf({ protocols: ['WebSocket', 'IRC/6.9'] }), {
    protocols: ['websocket', 'irc/6.9'],
    onRollback: 'close',
  });
});

test('a redirect has no backends; names are in lower case', () => {
  assert.deepEqual(backendRefsOf({ name: 'r' }), []);
  assert.deepEqual(buildHostnames({ name: 'r', hostnames: ['A.b', '*.C'] }), ['a.b', '*.c']);
});

test('a version that is left out is the only one', () => {
  const two = { versions: { v1: { endpoints: [] }, v2: { endpoints: [] } } };
  assert.equal(versionOf({ name: 'a' }, SERVICES.a), 'v1');
  assert.equal(versionOf({ name: 'a', version: 'v2' }, two), 'v2');
  assert.equal(versionOf({ name: 'a' }, two), null);
  assert.equal(versionOf({ name: 'a' }, { versions: {} }), null);
});
