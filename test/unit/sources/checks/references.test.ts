import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveVersion, servicesOf } from '#src/sources/checks/references.ts';
import { createReport } from '#src/sources/problems/report.ts';
import type { FilterInput } from '#src/sources/schema.ts';

const LOCATOR = { locate: () => ({ line: 1, column: 1 }), valueAt: () => undefined };
const VERSION = { endpoints: [] };
const SERVICES = new Map([
  ['one', { versions: { v1: VERSION } }],
  ['two', { versions: { v1: VERSION, v2: VERSION } }],
  ['faulty', null],
]);

function resolved(ref: { name: string; version?: string }, services: typeof SERVICES | null = SERVICES): unknown[] {
  const report = createReport('a.yaml', LOCATOR);
  const version = resolveVersion(ref, ['at'], services, report);
  return [version, ...report.problems().map(({ code, path, hint }) => `${code} ${path} ${hint}`)];
}

describe('a reference', () => {
  test('means its version, or the only one of the service', () => {
    assert.deepEqual(resolved({ name: 'one' }), ['v1']);
    assert.deepEqual(resolved({ name: 'two', version: 'v2' }), ['v2']);
  });

  test('to nothing is reported with what was meant', () => {
    assert.deepEqual(resolved({ name: 'ones' }), [null, 'SLU1053 at.name did you mean one?']);
    assert.deepEqual(resolved({ name: 'two' }), [null, 'SLU1055 at.version ']);
    assert.deepEqual(resolved({ name: 'two', version: 'v22' }), [null, 'SLU1054 at.version did you mean v2?']);
  });

  test('to what is in doubt is not judged', () => {
    assert.deepEqual(resolved({ name: 'faulty', version: 'v9' }), ['v9']);
    assert.deepEqual(resolved({ name: 'faulty' }), [null]);
    assert.deepEqual(resolved({ name: 'anything', version: 'v9' }, null), ['v9']);
  });
});

test('the services of a route are those it sends to and those it copies to', () => {
  const filters: FilterInput[] = [
    { type: 'CORS', cors: { allowOrigins: ['*'] } },
    { type: 'RequestMirror', requestMirror: { backendRef: { name: 'b' } } },
  ];
  assert.deepEqual(servicesOf({ name: 'r', backendRefs: [{ name: 'a' }], filters }), ['a', 'b']);
  assert.deepEqual(servicesOf({ name: 'r' }), []);
});
