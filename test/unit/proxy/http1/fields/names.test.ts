/** Known field names: any case, no aliases, no collisions that count. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FIELD, NameTable } from '#src/proxy/http1/fields/names.ts';
import { hashOf } from '#src/proxy/http1/fields/scanner.ts';
import { LIKE_HOST } from '../../../../support/http/collisions.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

function find(table: NameTable, name: string): number {
  const bytes = Buffer.from(`..${name}..`, 'latin1');
  return table.find(hashOf(Buffer.from(name, 'latin1')), bytes, 2, 2 + name.length);
}

describe('a name', () => {
  const table = new NameTable(['x-color', 'x_user']);

  it('of the table is found in any case', () => {
    for (const name of table.names.slice(1)) {
      const id = table.names.indexOf(name);
      for (const spelled of [name, name.toUpperCase(), name.replace(/^./, (c) => c.toUpperCase())]) {
        assert.equal(find(table, spelled), id, spelled);
      }
      assert.equal(table.idOf(name), id);
    }
  });

  it('with its built-in number is what FIELD says', () => {
    for (const [key, id] of Object.entries(FIELD)) {
      if (id === 0) continue;
      const name = key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
      assert.equal(table.idOf(name), id, key);
    }
  });

  it('that only an underscore makes differ is an alias', () => {
    assert.equal(find(table, 'X_Forwarded_For'), -FIELD.xForwardedFor);
    assert.equal(find(table, 'content_length'), -FIELD.contentLength);
    assert.equal(find(table, 'transfer-Encoding'), FIELD.transferEncoding);
    assert.equal(find(table, 'X_COLOR'), -table.idOf('x-color'));
    assert.equal(find(table, 'x-user'), -table.idOf('x_user'));
    assert.equal(find(table, 'X_User'), table.idOf('x_user'));
  });

  it('configured with - and with _ has two ids, each its own', () => {
    const both = new NameTable(['x-user', 'x_user']);
    assert.equal(find(both, 'x-user'), both.idOf('x-user'));
    assert.equal(find(both, 'x_user'), both.idOf('x_user'));
  });

  it('that is not in the table is unknown', () => {
    for (const name of ['', 'hos', 'hostt', 'x-colo', '__proto__', 'constructor', 'toString']) {
      assert.equal(find(table, name), 0, name);
    }
    assert.equal(table.idOf('nope'), 0);
    assert.equal(table.idOf(''), 0);
  });

  it('with the hash of a known one is still unknown', () => {
    for (const other of LIKE_HOST) {
      assert.equal(hashOf(Buffer.from(other, 'latin1')), hashOf(Buffer.from('host')), other);
      assert.equal(find(table, other), 0, other);
    }
  });

  it('may be one of many: every one of 1,000 is found', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `x-name-${i}`);
    const many = new NameTable(names);
    for (const name of names) assert.equal(many.names[find(many, name)], name);
  });

  it('named twice or already built in is there once', () => {
    const same = new NameTable(['host', 'x-a', 'x-a']);
    assert.equal(same.size, new NameTable(['x-a']).size);
  });

  it('is found without allocating', COUNTED, () => {
    const bytes = Buffer.from('Content-Length');
    const hash = hashOf(bytes);
    let kept = 0;
    assert.equal(
      bytesPerCall(() => void (kept = table.find(hash, bytes, 0, bytes.length))),
      0,
      String(kept),
    );
  });
});

it('names are known with _ taken for -', () => {
  const table = new NameTable(['x_user']);
  assert.deepEqual(
    ['host', 'x-user', 'x_user', 'Host', 'content-length', 'x-other'].map((name) => table.knows(name)),
    [true, true, false, false, true, false],
  );
});
