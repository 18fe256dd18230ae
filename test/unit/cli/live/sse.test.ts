import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { eventsIn, type StreamEvent } from '#src/cli/live/sse.ts';

async function read(chunks: readonly (string | Uint8Array)[]): Promise<StreamEvent[]> {
  async function* stream() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
  }
  const events: StreamEvent[] = [];
  for await (const event of eventsIn(stream())) events.push(event);
  return events;
}

suite('server-sent events', () => {
  test('are told apart by empty lines, whatever ends a line; comments and unknown fields are nothing', async () => {
    const text =
      ': hello\nretry: 1000\n\nevent: board\ndata: {"a":1}\n\ndata:x\r\ndata: y\r\n\r\nid: 7\rdata: z\r\rdata: cut';
    assert.deepEqual(await read([text]), [
      { name: 'board', data: '{"a":1}' },
      { name: 'message', data: 'x\ny' },
      { name: 'message', data: 'z' },
    ]);
  });

  test('may come in any pieces, also within a character or a line end', async () => {
    const bytes = new TextEncoder().encode('event: e\r\ndata: ä√\r\n\r\ndata: 2\r\n\r\n');
    for (let size = 1; size < 8; size++) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.slice(n * size, (n + 1) * size),
      );
      assert.deepEqual(await read(pieces), [
        { name: 'e', data: 'ä√' },
        { name: 'message', data: '2' },
      ]);
    }
  });

  test('an event that never ends is refused, not kept', async () => {
    const piece = `data: ${'x'.repeat(1_048_576)}\n`;
    await assert.rejects(read(Array.from({ length: 17 }, () => piece)), /more than 16777216 characters/);
    await assert.rejects(read(Array.from({ length: 17 }, () => 'x'.repeat(1_048_576))), /more than/);
  });
});
