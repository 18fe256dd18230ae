/** Chunks of one byte cost one write per read, not one per chunk, in both directions. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BodyReader, END } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';

it('what arrives together in many chunks is gathered into one span', () => {
  const reader = new BodyReader();
  const bytes = Buffer.from(`${'1;x\r\na\r\n'.repeat(100)}3\r\nbcd\r\n0\r\n\r\nrest`);
  reader.start(CHUNKED);
  assert.equal(reader.gather(bytes, 0, bytes.length), END);
  assert.equal(bytes.toString('latin1', reader.dataStart, reader.dataEnd), `${'a'.repeat(100)}bcd`);
  assert.equal(bytes.toString('latin1', reader.position), 'rest', 'what follows the body is untouched');
});
