/** A head that comes again, in the memory that clients are read into: what is known of its line changes nothing. */

import assert from 'node:assert/strict';
import type { RequestHead } from '#src/proxy/http1/request-head.ts';
import { readMemory } from '#src/proxy/wire/memory/memory.ts';

const OTHER = Buffer.from('POST /other?a HTTP/1.0\r\nHost: other\r\nContent-Length: 2\r\n\r\n', 'latin1');

/** What one request leaves behind. */
function outcomeOf(head: RequestHead, result: number): unknown {
  if (result < 0) return { reason: head.reason, detail: head.detail };
  const { method, minor, target, path, isVerbatim, isAmbiguous, host, authority, bodyLength, keepAlive } = head;
  const { isForUs, expectsContinue, wantsTrailers, wantsUpgrade, asked } = head;
  const line = { method, minor, target, path, isVerbatim, isAmbiguous, host, authority, asked };
  const text = head.fields.text;
  return { ...line, bodyLength, keepAlive, isForUs, expectsContinue, wantsTrailers, wantsUpgrade, text };
}

/** Asserts that a parser says the same of these bytes again and again, others in between, as one that reads them elsewhere. */
export function assertSameAgain(bytes: Buffer, head: RequestHead, again: RequestHead): void {
  const result = head.parse(bytes, 0, bytes.length);
  const expected = result === 0 ? null : outcomeOf(head, result);
  for (let n = 0; n < 4; n++) {
    bytes.copy(readMemory);
    for (let cut = n < 3 ? bytes.length : 1; cut < bytes.length; cut++) again.parse(readMemory, 0, cut);
    assert.equal(again.parse(readMemory, 0, bytes.length), result, `time ${n}`);
    if (expected !== null) assert.deepEqual(outcomeOf(again, result), expected, `time ${n}`);
    OTHER.copy(readMemory);
    assert.equal(again.parse(readMemory, 0, OTHER.length), OTHER.length);
    assert.deepEqual([again.method, again.target, again.minor, again.host], ['POST', '/other?a', 0, 'other']);
  }
}
