/** Redirects: where to, by the rules of Gateway API, and never where a client wants. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RedirectFilter } from '#src/model/config.ts';
import { linkRedirect, locationOf, type Redirected } from '#src/proxy/filter/redirect.ts';

const FILTER: RedirectFilter = { scheme: null, hostname: null, path: null, port: null, status: 302 };
const REQUEST: Redirected = { isHttps: false, host: 'shop.test', port: 8080, target: '/a/b?c=d', prefixLength: 2 };

function location(filter: Partial<RedirectFilter>, request: Partial<Redirected> = {}): string | null {
  return locationOf(linkRedirect({ ...FILTER, ...filter }), { ...REQUEST, ...request });
}

describe('a location', () => {
  const cases: readonly (readonly [string, Partial<RedirectFilter>, Partial<Redirected>, string])[] = [
    ['keeps what is not configured', {}, {}, 'http://shop.test:8080/a/b?c=d'],
    ['has no port that the scheme has anyway', {}, { port: 80 }, 'http://shop.test/a/b?c=d'],
    ['is https where the request was', {}, { isHttps: true, port: 443 }, 'https://shop.test/a/b?c=d'],
    ['keeps an unusual port of https', {}, { isHttps: true, port: 80 }, 'https://shop.test:80/a/b?c=d'],
    ['has the port of a configured scheme', { scheme: 'https' }, {}, 'https://shop.test/a/b?c=d'],
    ['has the port of a configured scheme', { scheme: 'http' }, { isHttps: true }, 'http://shop.test/a/b?c=d'],
    ['has the configured port', { port: 8443, scheme: 'https' }, {}, 'https://shop.test:8443/a/b?c=d'],
    ['has the configured port', { port: 80 }, {}, 'http://shop.test/a/b?c=d'],
    ['writes port 443 of http', { port: 443 }, {}, 'http://shop.test:443/a/b?c=d'],
    ['has the configured host', { hostname: 'new.test', scheme: 'https' }, {}, 'https://new.test/a/b?c=d'],
    ['has an IPv6 host as it came', {}, { host: '[::1]', port: 80 }, 'http://[::1]/a/b?c=d'],
    [
      'has the path that is configured',
      { path: { type: 'ReplaceFullPath', value: '/n' } },
      { port: 80 },
      'http://shop.test/n?c=d',
    ],
    [
      'has the prefix that is configured',
      { path: { type: 'ReplacePrefixMatch', value: '/n' } },
      { port: 80 },
      'http://shop.test/n/b?c=d',
    ],
  ];
  for (const [name, filter, request, expected] of cases) {
    it(`${name}: ${expected}`, () => assert.equal(location(filter, request), expected));
  }

  it('needs a host from somewhere', () => {
    assert.equal(location({}, { host: '' }), null);
    assert.equal(location({ hostname: 'a.test' }, { host: '' }), 'http://a.test:8080/a/b?c=d');
  });
});

describe('nothing that a client writes', () => {
  const targets = [
    '//evil.test',
    '//evil.test/%2F..',
    '/%5Cevil.test',
    '/@evil.test',
    '/a?//evil.test\\',
    '/.evil.test',
    '/:80@evil.test',
  ];
  for (const target of targets) {
    it(`such as ${target} changes the authority`, () => {
      for (const filter of [{}, { hostname: 'shop.test' }, { scheme: 'https' as const }]) {
        const url = new URL(location(filter, { target }) as string);
        assert.equal(url.hostname, 'shop.test');
        assert.equal(url.username, '');
      }
      for (const value of ['', '/', '/n']) {
        const path = { type: 'ReplacePrefixMatch', value } as const;
        assert.equal(new URL(location({ path }, { target, prefixLength: 0 }) as string).hostname, 'shop.test');
      }
    });
  }
});

it('the status is the configured one', () => {
  for (const status of [301, 302, 303, 307, 308] as const)
    assert.equal(linkRedirect({ ...FILTER, status }).status, status);
});
