import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  HEAD_BYTES,
  requestOf,
  type Shape,
  SMALL_GET,
  USERS,
  wrkScript,
} from '../../../../../bench/macro/load/request.ts';

const POST: Shape = { ...SMALL_GET, method: 'POST', path: '/orders', bodyBytes: 4_096 };
const ROUTED: Shape = { ...SMALL_GET, routes: 10_000 };
const LAST: Shape = { ...SMALL_GET, isLast: true };

function fieldsOf(head: string): string[] {
  return head.trimEnd().split('\r\n').slice(1);
}

describe('requestOf', () => {
  test('is exactly 600 bytes for every shape, user and port', () => {
    for (const shape of [SMALL_GET, POST, ROUTED, LAST]) {
      for (const port of [80, 65_535]) {
        for (const user of [0, 9, 63]) assert.equal(Buffer.byteLength(requestOf(shape, user, port)), HEAD_BYTES);
      }
    }
  });

  test('is one well-formed head', () => {
    const head = requestOf(SMALL_GET, 7, 8080);
    assert.equal(head.indexOf('\r\n\r\n'), HEAD_BYTES - 4);
    assert.match(head, /^GET \/\S+ HTTP\/1\.1\r\n/);
    for (const field of fieldsOf(head)) assert.match(field, /^[\w-]+: \S/);
    assert.ok(fieldsOf(head).includes('X-User-Id: user-0007'));
  });

  test('announces its body, or that it is the last', () => {
    const post = requestOf(POST, 7, 8080);
    assert.ok(post.startsWith('POST /orders HTTP/1.1\r\n'));
    assert.ok(fieldsOf(post).includes('Content-Length: 4096'));
    assert.ok(fieldsOf(requestOf(LAST, 7, 8080)).includes('Connection: close'));
    assert.ok(!fieldsOf(requestOf(SMALL_GET, 7, 8080)).some((field) => /^(content-length|connection):/i.test(field)));
  });

  test('gives two users a color', () => {
    const colored = Array.from({ length: USERS }, (_, user) => requestOf(SMALL_GET, user, 80)).filter((head) =>
      head.includes('X-Release-Stage: canary'),
    );
    assert.equal(colored.length, 2);
  });

  test('spreads the users over the whole table', () => {
    const many = targetsOf(ROUTED);
    assert.equal(new Set(many).size, USERS);
    assert.ok(new Set(many.map((target) => target.split(' ')[0])).size > 50, 'paths');
    assert.equal(new Set(targetsOf({ ...SMALL_GET, routes: 10 })).size, 10);
  });
});

/** First path segment and host of every user's request. */
function targetsOf(shape: Shape): string[] {
  return Array.from({ length: USERS }, (_, user) => {
    const head = requestOf(shape, user, 80);
    const [, path, host] = /^GET (\/area-\d+)\/\S+ HTTP\/1\.1\r\nHost: (shop-\d+\.example)\r\n/.exec(head) ?? [];
    assert.ok(path !== undefined && host !== undefined, head);
    return `${path} ${host}`;
  });
}

describe('wrkScript', () => {
  test('holds one request per user and no line break of its own in them', () => {
    const script = wrkScript(SMALL_GET, 8080);
    assert.equal(script.match(/^ {2}\[==\[GET /gm)?.length, USERS);
    assert.ok(!script.includes('\r'));
  });

  test('makes a JSON body of exactly the announced size', () => {
    const [, count = ''] = /'\{"note":"' \.\. string\.rep\('x', (\d+)\) \.\. '"\}'/.exec(wrkScript(POST, 80)) ?? [];
    assert.equal(JSON.stringify({ note: 'x'.repeat(Number(count)) }).length, POST.bodyBytes);
  });

  test('prepares fewer requests of a large body', () => {
    const script = wrkScript({ ...POST, bodyBytes: 2 ** 20 }, 80);
    assert.equal(script.match(/^ {2}\[==\[POST /gm)?.length, 4);
  });
});
