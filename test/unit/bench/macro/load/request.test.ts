import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HEAD_BYTES, requestOf, USERS, wrkScript } from '../../../../bench/macro/request.ts';

describe('requestOf', () => {
  test('is exactly 600 bytes for every user and port', () => {
    for (const port of [80, 8080, 65_535]) {
      for (const user of [0, 9, 63, 9999]) assert.equal(Buffer.byteLength(requestOf(user, port)), HEAD_BYTES);
    }
  });

  test('is one well-formed head', () => {
    const head = requestOf(7, 8080);
    assert.ok(head.endsWith('\r\n\r\n'));
    assert.equal(head.indexOf('\r\n\r\n'), HEAD_BYTES - 4);
    const [line, ...fields] = head.trimEnd().split('\r\n');
    assert.match(line ?? '', /^GET \/\S+ HTTP\/1\.1$/);
    for (const field of fields) assert.match(field, /^[\w-]+: \S/);
    assert.ok(fields.includes('X-User-Id: user-0007'));
  });
});

describe('wrkScript', () => {
  test('holds one request per user and no line break of its own in them', () => {
    const script = wrkScript(8080, 0);
    assert.equal(script.match(/^ {2}\[==\[GET /gm)?.length, USERS);
    assert.ok(!script.includes('\r'));
  });

  test('pauses only when it is asked to', () => {
    assert.ok(!wrkScript(8080, 0).includes('function delay'));
    assert.match(wrkScript(8080, 16), /math\.random\(8, 24\)/);
  });
});
