/** Alternative names of a certificate's subject, as the runtime writes them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alternativeNames } from '#src/lib/text/alternatives.ts';

const read = (text: string | undefined): string[] =>
  alternativeNames(text).map(({ kind, value }) => `${kind}=${value}`);

describe('alternative names', () => {
  it('are read in their order', () => {
    const text = 'DNS:a.example, DNS:*.b.example, IP Address:127.0.0.1, URI:spiffe://x/y';
    const names = ['DNS=a.example', 'DNS=*.b.example', 'IP Address=127.0.0.1', 'URI=spiffe://x/y'];
    assert.deepEqual(read(text), names);
  });

  it('of nothing are none', () => {
    assert.deepEqual(read(undefined), []);
    assert.deepEqual(read(''), []);
  });

  it('that hold what separates names are left out whole, and never look like two', () => {
    assert.deepEqual(read('DNS:"a.example, DNS:evil.example", DNS:b.example'), ['DNS=b.example']);
    assert.deepEqual(read('URI:"x\\", URI:spiffe://evil", URI:spiffe://y'), ['URI=spiffe://y']);
  });
});
