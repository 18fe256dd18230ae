import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildFilters, mirrorRatioOf } from '#src/sources/build/filters.ts';
import { NO_FILTERS } from '#src/sources/defaults.ts';
import type { FilterInput } from '#src/sources/schema.ts';

const build = (...filters: FilterInput[]) => buildFilters(filters, ({ version }) => version ?? 'the only one');

test('a route without filters has the shared constant', () => {
  assert.equal(
    buildFilters(undefined, () => ''),
    NO_FILTERS,
  );
  assert.equal(build(), NO_FILTERS);
});

test('every type of filter is taken with its values', () => {
  const filters = build(
    {
      type: 'RequestHeaderModifier',
      requestHeaderModifier: {
        set: [{ name: 'X-A', value: 'b' }],
        add: [{ name: 'X-C', value: 'd' }],
        remove: ['X-E'],
      },
    },
    { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['Server'] } },
    {
      type: 'URLRewrite',
      urlRewrite: { hostname: 'In.Example', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b/' } },
    },
    {
      type: 'CORS',
      cors: {
        allowOrigins: ['HTTPS://A.example:443'],
        allowMethods: ['PUT'],
        allowHeaders: ['X-A'],
        exposeHeaders: ['X-B'],
        allowCredentials: true,
        maxAge: 600,
      },
    },
    { type: 'RequestMirror', requestMirror: { backendRef: { name: 's' }, percent: 5 } },
  );
  assert.deepEqual(filters, {
    requestHeaders: { set: [{ name: 'X-A', value: 'b' }], add: [{ name: 'X-C', value: 'd' }], remove: ['x-e'] },
    responseHeaders: { set: [], add: [], remove: ['server'] },
    rewrite: { hostname: 'in.example', path: { type: 'ReplacePrefixMatch', value: '/b/' } },
    redirect: null,
    cors: {
      allowOrigins: ['https://a.example'],
      allowMethods: ['PUT'],
      allowHeaders: ['x-a'],
      exposeHeaders: ['x-b'],
      allowCredentials: true,
      maxAgeS: 600,
    },
    mirror: { service: 's', version: 'the only one', ratio: 0.05 },
  });
});

test('a mirror compares only if it says so, headers that it ignores in lower case', () => {
  const mirrorOf = (compare: object) =>
    build({ type: 'RequestMirror', requestMirror: { backendRef: { name: 's', version: 'v2' }, compare } }).mirror;
  assert.deepEqual(mirrorOf({})?.compare, { bodyBytesMax: 65_536, ignoreHeaders: [] });
  assert.deepEqual(mirrorOf({ bodyBytesMax: '1KiB', ignoreHeaders: ['X-Build'] })?.compare, {
    bodyBytesMax: 1024,
    ignoreHeaders: ['x-build'],
  });
});

test('a redirect is taken with its values', () => {
  const path = { type: 'ReplaceFullPath', replaceFullPath: '/new' } as const;
  const requestRedirect = { scheme: 'https', hostname: 'A.B', path, port: 8443, statusCode: 308 } as const;
  assert.deepEqual(build({ type: 'RequestRedirect', requestRedirect }).redirect, {
    scheme: 'https',
    hostname: 'a.b',
    path: { type: 'ReplaceFullPath', value: '/new' },
    port: 8443,
    status: 308,
  });
});

test('what a filter does not say has its default', () => {
  assert.deepEqual(build({ type: 'RequestRedirect', requestRedirect: { scheme: 'https' } }).redirect, {
    scheme: 'https',
    hostname: null,
    path: null,
    port: null,
    status: 302,
  });
  assert.deepEqual(build({ type: 'CORS', cors: { allowOrigins: ['*'] } }).cors, {
    allowOrigins: ['*'],
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: false,
    maxAgeS: 5,
  });
  assert.deepEqual(build({ type: 'URLRewrite', urlRewrite: { hostname: 'a.b' } }).rewrite, {
    hostname: 'a.b',
    path: null,
  });
});

test('the share of a mirror is all of it, a percentage or a fraction', () => {
  const backendRef = { name: 's' };
  assert.equal(mirrorRatioOf({ backendRef }), 1);
  assert.equal(mirrorRatioOf({ backendRef, percent: 0 }), 0);
  assert.equal(mirrorRatioOf({ backendRef, percent: 50 }), 0.5);
  assert.equal(mirrorRatioOf({ backendRef, fraction: { numerator: 1 } }), 0.01);
  assert.equal(mirrorRatioOf({ backendRef, fraction: { numerator: 1, denominator: 1000 } }), 0.001);
});
