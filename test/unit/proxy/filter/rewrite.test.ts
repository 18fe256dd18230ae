/** Path rewrites: the table of Gateway API, queries kept, and no way to another host. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WHOLE_PATH } from '#src/proxy/decide/rules.ts';
import { linkPathRewrite, rewriteTarget } from '#src/proxy/filter/rewrite.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';

function replaced(target: string, prefix: string, value: string): string {
  return rewriteTarget(
    linkPathRewrite({ type: 'ReplacePrefixMatch', value }),
    target,
    prefix.replace(/\/+$/, '').length,
  );
}

describe('a prefix is replaced', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo/', '/foo', '', '/'],
    ['/foo', '/foo', '', '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/foo', '/', '/xyz', '/xyz/foo'],
    ['/', '/', '/xyz', '/xyz/'],
    ['/foo/foo', '/foo', '/xyz', '/xyz/foo'],
    ['/foo/bar?a=/foo', '/foo', '/xyz', '/xyz/bar?a=/foo'],
    ['/foo?', '/foo', '', '/?'],
    ['/foo//evil.example', '/foo', '', '/evil.example'],
    ['/foo////evil', '/foo', '/', '/evil'],
    ['/foo//bar', '/foo', '/xyz', '/xyz//bar'],
  ];
  for (const [target, prefix, value, expected] of cases) {
    it(`${target} under ${prefix} by ${value || 'nothing'}: ${expected}`, () =>
      assert.equal(replaced(target, prefix, value), expected));
  }

  it('of a rule that took the whole path as a whole', () => {
    const rewrite = linkPathRewrite({ type: 'ReplacePrefixMatch', value: '/xyz' });
    assert.equal(rewriteTarget(rewrite, '/foo/bar?a', WHOLE_PATH), '/xyz?a');
  });
});

it('a whole path is replaced, its query kept', () => {
  const rewrite = linkPathRewrite({ type: 'ReplaceFullPath', value: '/xyz/' });
  assert.equal(rewriteTarget(rewrite, '/a/b?c=d', 2), '/xyz/?c=d');
  assert.equal(rewriteTarget(rewrite, '/', 0), '/xyz/');
});

it('a rewrite allocates the strings that it cuts', COUNTED, () => {
  const rewrite = linkPathRewrite({ type: 'ReplacePrefixMatch', value: '/xyz' });
  const bytes = bytesPerCall(() => void rewriteTarget(rewrite, '/foo/bar/some/where?a=b', 4), 5000, 160);
  assert.ok(bytes <= 160, `${bytes} B`);
});
