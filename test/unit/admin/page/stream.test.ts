import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { suite, test } from 'node:test';
import { CLIENTS_MAX, STALL_MS, Stream } from '#src/admin/page/stream.ts';

/** What stands in for an answer: a stream that holds `bytes` before it asks for patience. */
function reader(bytes = 1_000_000) {
  const response = new PassThrough({ highWaterMark: bytes });
  const req = { socket: new EventEmitter() };
  return {
    response: Object.assign(response, { writeHead: () => response, req }) as unknown as ServerResponse,
    pass: response,
  };
}

/** What arrived, once it ends like that. */
async function textUntil(pass: PassThrough, ending: string): Promise<string> {
  let text = '';
  pass.on('data', (chunk: Buffer) => (text += chunk.toString()));
  while (!text.endsWith(ending)) await once(pass, 'data');
  return text;
}

suite('stream', () => {
  test('a reader gets events in the form of the standard, and is forgotten when it leaves', async () => {
    const stream = new Stream(() => 0);
    const { response, pass } = reader();
    let gone = 0;
    assert.equal(stream.admit(), true);
    const tell = stream.add(response, {}, () => gone++);
    tell('board', '{"a":1}');
    stream.send('events', '[]');
    assert.equal(
      await textUntil(pass, '[]\n\n'),
      'retry: 1000\n\nevent: board\ndata: {"a":1}\n\nevent: events\ndata: []\n\n',
    );
    assert.equal(stream.counts.clients, 1);
    pass.destroy();
    await once(pass, 'close');
    assert.deepEqual([stream.counts.clients, gone], [0, 1]);
  });

  test('beyond its places readers are refused and counted, and a place that is left is given again', async () => {
    const stream = new Stream(() => 0);
    const readers = Array.from({ length: CLIENTS_MAX }, () => reader());
    for (const { response } of readers) {
      assert.equal(stream.admit(), true);
      stream.add(response, {}, () => undefined);
    }
    for (let n = 0; n < 1000; n++) assert.equal(stream.admit(), false);
    assert.deepEqual([stream.counts.refused, stream.counts.clients], [1000, CLIENTS_MAX]);
    readers[0]?.pass.destroy();
    await once(readers[0]?.pass as PassThrough, 'close');
    assert.equal(stream.admit(), true);
  });

  test('a slow reader misses moments, never the newest, and what waits for it is bounded', async () => {
    const stream = new Stream(() => 0);
    const { response, pass } = reader(10);
    stream.add(response, {}, () => undefined);
    for (let n = 0; n < 1000; n++) stream.send('board', String(n));
    stream.send('events', 'all');
    assert.ok(pass.writableLength + pass.readableLength < 100, 'a thousand moments are not kept');
    const got = await textUntil(pass, 'data: all\n\n');
    assert.match(got, /data: 999\n/);
    assert.doesNotMatch(got, /data: 500\n/);
  });

  test('a reader that takes nothing for too long is cut and counted; others are not', () => {
    let nowMs = 0;
    const stream = new Stream(() => nowMs);
    const [stuck, fine] = [reader(10), reader()];
    stream.add(stuck.response, {}, () => undefined);
    stream.add(fine.response, {}, () => undefined);
    stream.send('board', 'x'.repeat(100));
    nowMs = STALL_MS;
    stream.send('board', 'y');
    assert.equal(stuck.pass.destroyed, false, 'not yet');
    nowMs = STALL_MS + 1;
    stream.send('board', 'z');
    assert.deepEqual([stuck.pass.destroyed, fine.pass.destroyed, stream.counts.dropped], [true, false, 1]);
  });

  test('closing ends every answer', () => {
    const stream = new Stream(() => 0);
    const { response, pass } = reader();
    stream.add(response, {}, () => undefined);
    stream.close();
    assert.equal(pass.writableEnded, true);
  });
});
