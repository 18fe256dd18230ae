/** Header modifiers: what is removed, replaced and added, and that nothing they do can frame a message. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HeaderFilter } from '#src/model/config.ts';
import { applyHeaderFilter, linkHeaderFilter, namesOf } from '#src/proxy/filter/header-filter.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { RequestHead } from '#src/proxy/http1/request-head.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';
import { get } from '../../../support/proxy/parts.ts';

const NONE: HeaderFilter = { set: [], add: [], remove: [] };

/** The lines that go on after a modifier, of a request with these and of the gateway's own. */
function modified(filter: Partial<HeaderFilter>, lines: string, own = ''): string[] {
  const whole = { ...NONE, ...filter };
  const names = new NameTable(namesOf(whole));
  const head = new RequestHead(names, LIMITS, new Set());
  const bytes = Buffer.from(get('/', lines));
  assert.equal(head.parse(bytes, 0, bytes.length), bytes.length);
  const added = applyHeaderFilter(linkHeaderFilter(whole, names), head.fields, own);
  const text = (head.fields.kept() + added).trimEnd();
  return text.split('\r\n').slice(1);
}

describe('a header modifier', () => {
  it('removes every field of a name, in any case and however often', () => {
    assert.deepEqual(modified({ remove: ['X-Gone'] }, 'x-gone: 1\r\nA: 1\r\nX-GONE: 2\r\n'), ['A: 1']);
    assert.deepEqual(modified({ remove: ['x-gone'] }, ''), []);
  });

  it('sets a field in the place of all others of its name', () => {
    const set = [{ name: 'X-Set', value: 'new' }];
    assert.deepEqual(modified({ set }, 'x-set: 1\r\nA: 1\r\nX-SET: 2\r\n'), ['A: 1', 'X-Set: new']);
    assert.deepEqual(modified({ set }, ''), ['X-Set: new']);
  });

  it('is not got round by an underscore', () => {
    assert.deepEqual(modified({ set: [{ name: 'X-Set', value: 'new' }] }, 'X_Set: 1\r\n'), ['X-Set: new']);
    assert.deepEqual(modified({ remove: ['x-gone'] }, 'X_Gone: 1\r\n'), []);
  });

  it('adds a field to those that are there', () => {
    const add = [
      { name: 'X-Add', value: '2' },
      { name: 'X-Add', value: '3' },
    ];
    assert.deepEqual(modified({ add }, 'x-add: 1\r\n'), ['x-add: 1', 'X-Add: 2', 'X-Add: 3']);
  });

  it('removes, then sets, then adds', () => {
    const filter = {
      remove: ['a'],
      set: [{ name: 'B', value: 'set' }],
      add: [
        { name: 'A', value: 'added' },
        { name: 'B', value: 'added' },
      ],
    };
    assert.deepEqual(modified(filter, 'A: 1\r\nB: 1\r\n'), ['B: set', 'A: added', 'B: added']);
  });

  it('goes before what the gateway writes itself', () => {
    const own = 'X-Request-Id: ours\r\nX-Forwarded-For: 1.1.1.1\r\nVia: x\r\n';
    const filter = { set: [{ name: 'x-request-id', value: 'theirs' }], remove: ['X-Forwarded-For'] };
    assert.deepEqual(modified(filter, '', own), ['Via: x', 'x-request-id: theirs']);
    assert.deepEqual(modified({ add: [{ name: 'Via', value: 'y' }] }, '', own).length, 3);
  });

  it('never touches what frames a message or belongs to a connection', () => {
    const names = ['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'TE', 'Upgrade', 'Trailer', 'Via'];
    for (const name of names) {
      const value = 'x';
      assert.deepEqual(modified({ set: [{ name, value }], add: [{ name, value }], remove: [name] }, 'A: 1\r\n'), [
        'A: 1',
      ]);
    }
  });

  it('called like a property of every object is just a name', () => {
    assert.deepEqual(modified({ remove: ['__proto__'] }, '__proto__: 1\r\nconstructor: 1\r\n'), ['constructor: 1']);
  });
});

it('applying one allocates one string at the most', COUNTED, () => {
  const filter = { ...NONE, add: [{ name: 'X-Add', value: '2' }] };
  const names = new NameTable([]);
  const head = new RequestHead(names, LIMITS, new Set());
  const bytes = Buffer.from(get('/'));
  head.parse(bytes, 0, bytes.length);
  const linked = linkHeaderFilter(filter, names);
  const own = 'X-Request-Id: 0123456789abcdef\r\n';
  const cost = bytesPerCall(() => void applyHeaderFilter(linked, head.fields, own), 5000, 64);
  assert.ok(cost <= 64, `${cost} B`);
});
