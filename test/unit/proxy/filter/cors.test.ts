/** CORS: who may read, what is said to him, and that origins are compared by their parts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CorsFilter } from '#src/model/config.ts';
import { allowedOrigin, corsLines, isPreflight, linkCors, preflightLines } from '#src/proxy/filter/cors.ts';
import type { FieldTable } from '#src/proxy/http1/fields/field-table.ts';
import { bench, get, readHead } from '../../../support/proxy/parts.ts';

const FILTER: CorsFilter = {
  allowOrigins: ['https://shop.test', 'https://*.example.com', 'http://dev.test:3000', 'http://*.dev.test:3000'],
  allowMethods: ['GET', 'POST'],
  allowHeaders: ['X-A', 'X-B'],
  exposeHeaders: ['X-C'],
  allowCredentials: false,
  maxAgeS: 5,
};

function fieldsOf(lines: string): FieldTable {
  return readHead(bench().table, get('/', lines)).fields;
}

function allowed(origin: string, filter: Partial<CorsFilter> = {}): string {
  return allowedOrigin(linkCors({ ...FILTER, ...filter }), origin);
}

describe('an origin', () => {
  const yes = [
    'https://shop.test',
    'https://shop.test:443',
    'HTTPS://Shop.Test',
    'https://a.example.com',
    'https://a.b.example.com',
    'http://dev.test:3000',
    'http://x.dev.test:3000',
  ];
  for (const origin of yes)
    it(`${origin} is allowed, and named as it came`, () => assert.equal(allowed(origin), origin));

  const no = [
    'http://shop.test',
    'https://shop.test:8443',
    'https://shop.test.evil.test',
    'https://evilshop.test',
    'https://shop.test@evil.test',
    'https://shop.test/',
    'https://shop.test ',
    'https://example.com',
    'https://.example.com',
    'https://evilexample.com',
    'https://a.example.com.evil.test',
    'https://evil.test/.example.com',
    'https://evil.test#.example.com',
    'https://a..example.com',
    'https://a.example.com:8443',
    'http://a.example.com',
    'http://dev.test',
    'null',
    '',
    'https://',
    'file:///etc/passwd',
    `https://${'a.'.repeat(200)}example.com`,
  ];
  for (const origin of no) it(`${JSON.stringify(origin.slice(0, 40))} is not`, () => assert.equal(allowed(origin), ''));

  it('is any where all are allowed, by name only with credentials', () => {
    for (const origin of ['https://x.test', 'null', 'whatever'])
      assert.equal(allowed(origin, { allowOrigins: ['*'] }), '*');
    const withCredentials = { allowOrigins: ['*'], allowCredentials: true };
    assert.equal(allowed('https://x.test', withCredentials), 'https://x.test');
    assert.equal(allowed('what ever', withCredentials), '');
  });

  it('configured with its scheme’s own port is the one without', () => {
    assert.equal(allowed('https://p.test', { allowOrigins: ['https://p.test:443'] }), 'https://p.test');
  });

  it('is taken apart in linear time', () => assert.equal(allowed(`https://${'a-'.repeat(4000)}`), ''));
});

describe('a response', () => {
  const lines = (text: string, filter: Partial<CorsFilter> = {}): string =>
    corsLines(linkCors({ ...FILTER, ...filter }), fieldsOf(text));

  it('to an allowed origin says so, and varies', () => {
    const said =
      'Access-Control-Allow-Origin: https://shop.test\r\nAccess-Control-Expose-Headers: X-C\r\nVary: Origin\r\n';
    assert.equal(lines('Origin: https://shop.test\r\n'), said);
    const withCredentials = lines('Origin: https://shop.test\r\n', { allowCredentials: true, exposeHeaders: [] });
    assert.match(
      withCredentials,
      /^Access-Control-Allow-Origin: https:\/\/shop\.test\r\nAccess-Control-Allow-Credentials: true\r\n/,
    );
  });

  it('to anybody else varies and says nothing', () => {
    for (const text of [
      '',
      'Origin: https://evil.test\r\n',
      'Origin: https://shop.test\r\nOrigin: https://shop.test\r\n',
    ]) {
      assert.equal(lines(text), 'Vary: Origin\r\n', text);
    }
  });

  it('does not vary where all origins get the same', () => {
    const all = { allowOrigins: ['*'], exposeHeaders: [] };
    assert.equal(lines('Origin: https://x.test\r\n', all), 'Access-Control-Allow-Origin: *\r\n');
    assert.equal(lines('', all), '');
    assert.match(lines('Origin: https://x.test\r\n', { ...all, allowCredentials: true }), /Vary: Origin/);
  });
});

describe('a preflight', () => {
  const asked = 'Origin: https://shop.test\r\nAccess-Control-Request-Method: PUT\r\n';
  const lines = (text: string, filter: Partial<CorsFilter> = {}): string =>
    preflightLines(linkCors({ ...FILTER, ...filter }), fieldsOf(text));

  it('has an origin and a method, one of each', () => {
    assert.equal(isPreflight(fieldsOf(asked)), true);
    for (const text of ['', 'Origin: https://shop.test\r\n', 'Access-Control-Request-Method: PUT\r\n', asked + asked]) {
      assert.equal(isPreflight(fieldsOf(text)), false, text);
    }
  });

  it('of an allowed origin is told what is allowed', () => {
    assert.deepEqual(lines(asked).trimEnd().split('\r\n'), [
      'Access-Control-Allow-Origin: https://shop.test',
      'Access-Control-Allow-Methods: GET, POST',
      'Access-Control-Allow-Headers: X-A, X-B',
      'Access-Control-Max-Age: 5',
      'Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    ]);
  });

  it('of another origin is told nothing', () => {
    const text = asked.replace('shop', 'evil');
    assert.equal(lines(text), 'Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n');
  });

  const all = { allowMethods: ['*'], allowHeaders: ['*'] };
  it('is told * where everything is allowed', () => {
    assert.match(lines(asked, all), /Methods: \*\r\nAccess-Control-Allow-Headers: \*\r\n/);
  });

  it('with credentials is told what it asked for, because * would not count', () => {
    const withCredentials = { ...all, allowCredentials: true };
    assert.match(
      lines(`${asked}Access-Control-Request-Headers: x-one,x-two\r\n`, withCredentials),
      /Methods: PUT\r\nAccess-Control-Allow-Headers: x-one,x-two\r\n/,
    );
    assert.doesNotMatch(lines(asked, withCredentials), /Allow-Headers/);
    for (const headers of ['a b', 'a;b', ',', 'a,,b', `${'a'.repeat(5000)}`, '"a"']) {
      const text = lines(`${asked}Access-Control-Request-Headers: ${headers}\r\n`, withCredentials);
      assert.doesNotMatch(text, /Allow-Headers/, headers.slice(0, 20));
    }
  });
});
