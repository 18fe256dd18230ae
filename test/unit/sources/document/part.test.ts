import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPart } from '#src/sources/document/part.ts';
import type { Mount, SourceDocument } from '#src/sources/document/pieces.ts';

function document(text: string, mount: Mount, isForeign = true): SourceDocument {
  return { name: 'store a', text, mount, source: 1, isForeign };
}

function faultsOf(text: string, mount: Mount, isForeign = true) {
  return readPart(document(text, mount, isForeign), { SECRET: 'x' }).faults.map(({ path, fault, place }) => {
    const { line, column } = place();
    return [fault.kind, path.join('.'), `${line}:${column}`];
  });
}

const ROUTE: Mount = { kind: 'route', name: 'shop' };
const SERVICE: Mount = { kind: 'service', name: 'shop' };

describe('a route of a store', () => {
  test('takes its name from the key, and may repeat it', () => {
    for (const text of ['backendRefs: [{name: a}]', 'name: shop\nbackendRefs: [{name: a}]']) {
      const part = readPart(document(text, ROUTE), {});
      assert.deepEqual([part.faults, part.value], [[], { backendRefs: [{ name: 'a' }], name: 'shop' }]);
    }
    assert.deepEqual(faultsOf('name: ship\nbackendRefs: [{name: a}]', ROUTE), [['pieceName', 'name', '1:7']]);
  });

  test('is checked as a route is, at its own lines', () => {
    assert.deepEqual(faultsOf('backendRefs:\n  - {name: a, wait: 1}', ROUTE), [
      ['unknownField', 'backendRefs.0.wait', '2:15'],
    ]);
    assert.deepEqual(faultsOf('[]', ROUTE), [['type', '', '1:1']]);
  });

  test('whose key is no name is told so at its beginning', () => {
    assert.deepEqual(faultsOf('backendRefs: [{name: a}]', { kind: 'route', name: 'a/b' }), [['name', 'name', '1:1']]);
  });
});

describe('a service of a store', () => {
  test('is checked as a service is, its name too', () => {
    assert.deepEqual(faultsOf('versions: {v1: {endpoints: [nowhere]}}', SERVICE), [
      ['address', 'versions.v1.endpoints.0', '1:29'],
    ]);
    assert.deepEqual(faultsOf('versions: {}', { kind: 'service', name: '-' }), [['name', '', '1:1']]);
  });
});

describe('a document', () => {
  test('from a store names no variable, one from the disk may', () => {
    const text = 'hostnames: ["${SECRET}"]\nbackendRefs: [{name: a}]';
    assert.deepEqual(faultsOf(text, ROUTE), [['variableForeign', 'hostnames.0', '1:13']]);
    assert.deepEqual(faultsOf(text, ROUTE, false), []);
    assert.deepEqual(faultsOf('hostnames: ["${SECRET:-a}"]\nbackendRefs: [{name: a}]', ROUTE).length, 1);
    const part = readPart(
      document('backendRefs: [{name: a}]\nhostnames: [a.test]\nsticky: {header: "$${a}"}', ROUTE),
      {},
    );
    assert.ok(part.faults.every(({ fault }) => fault.kind !== 'variableForeign'));
  });

  test('that is empty says what to do about a piece', () => {
    const [fault] = readPart(document('', SERVICE), {}).faults;
    assert.match(String(fault?.fault.hint), /delete it where it is kept/);
  });

  test('may leave out what others have, unless it is the main one without sources', () => {
    assert.deepEqual(faultsOf('services: {}', { kind: 'root' }), []);
    assert.deepEqual(faultsOf('sources: [{directory: {path: a}}]', { kind: 'main' }), []);
    assert.deepEqual(
      faultsOf('workers: 1', { kind: 'main' }).map(([kind]) => kind),
      ['missing', 'missing'],
    );
  });
});
