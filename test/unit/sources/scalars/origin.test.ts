import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOrigin, parseOrigin } from '#src/sources/scalars/origin.ts';

test('an origin is spelled as browsers write it', () => {
  for (const [text, origin] of [
    ['*', '*'],
    ['https://shop.example', 'https://shop.example'],
    ['HTTPS://Shop.Example:443', 'https://shop.example'],
    ['http://a.example:80', 'http://a.example'],
    ['http://a.example:443', 'http://a.example:443'],
    ['https://*.Example.com', 'https://*.example.com'],
    ['https://*.example.com:8443', 'https://*.example.com:8443'],
    ['http://[0:0::1]:3000', 'http://[::1]:3000'],
    ['http://[::1]:80', 'http://[::1]'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ] as const) {
    assert.equal(parseOrigin(text), origin, text);
    assert.equal(parseOrigin(origin), origin, text);
  }
});

test('what is no origin is refused, with what was meant', () => {
  for (const [text, hint] of [
    ['https://shop.example/', 'did you mean https://shop.example?'],
    ['https://shop.example/cart?a=b', 'did you mean https://shop.example?'],
    ['shop.example', 'did you mean https://shop.example?'],
    ['*.shop.example', 'did you mean https://*.shop.example?'],
    ['https://*', 'did you mean *?'],
    ['null', 'any page can have the origin null: it is as good as *'],
    ['https://user@shop.example', ''],
    ['https://a.*.example', ''],
    ['https://*.10.0.0.1', ''],
    ['ftp://a.example', ''],
    ['https://a.example:0', ''],
    ['https://a.example:65536', ''],
    ['https://', ''],
    ['', ''],
    ['https://a b', ''],
    ['https://a\r\nb', ''],
  ] as const) {
    const fault = checkOrigin(text);
    assert.deepEqual([fault?.kind, fault?.hint], ['origin', hint], text);
  }
  assert.equal(checkOrigin(1)?.kind, 'type');
  assert.equal(checkOrigin('*'), null);
});
