import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { jsonReply, problemReply, replyHeaders, textReply } from '#src/admin/reply.ts';

suite('reply', () => {
  test('every reply forbids caching, sniffing and embedding, and declares its length in bytes', () => {
    for (const reply of [textReply(200, 'größe\n'), jsonReply({ a: 1 }), problemReply(404, 'no')]) {
      const headers = replyHeaders(reply);
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(headers['content-length'], String(Buffer.byteLength(reply.body)));
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });

  test('a problem carries status, title and detail, and the headers it was given', () => {
    const reply = problemReply(405, 'This server is read only', { allow: 'GET, HEAD' });
    assert.deepEqual(JSON.parse(reply.body), {
      type: 'about:blank',
      title: 'Method Not Allowed',
      status: 405,
      detail: 'This server is read only',
    });
    assert.equal(replyHeaders(reply)['content-type'], 'application/problem+json');
    assert.equal(replyHeaders(reply)['allow'], 'GET, HEAD');
  });
});
