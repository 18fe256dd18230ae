/** Reasons of streams that ended before their time. */

import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { codeName, type Ending, failureOf } from '#src/proxy/forward/http2/failure.ts';

const RESET: Ending = {
  code: constants.NGHTTP2_CANCEL,
  error: null,
  isLost: false,
  isUnprocessed: false,
  isAnswered: false,
};

function reasonOf(change: Partial<Ending>): number {
  return failureOf({ ...RESET, ...change }).reason;
}

describe('a stream that ended before its time', () => {
  it('was refused if the endpoint said so and has not answered', () => {
    const code = constants.NGHTTP2_REFUSED_STREAM;
    assert.equal(reasonOf({ code }), REASON.streamRefused);
    assert.equal(reasonOf({ isUnprocessed: true, isLost: true }), REASON.streamRefused);
    assert.equal(reasonOf({ code, isAnswered: true }), REASON.upstreamTruncated);
  });

  it('broke the rules if its code says so, or the runtime', () => {
    for (const code of [1, 3, 6, 9, 13]) assert.equal(reasonOf({ code }), REASON.upstreamProtocol, codeName(code));
    const error = Object.assign(new Error('Protocol error'), { code: 'ERR_HTTP2_ERROR' });
    assert.equal(reasonOf({ error, isLost: true, code: 2 }), REASON.upstreamProtocol);
    assert.equal(reasonOf({ code: 1, isAnswered: true }), REASON.upstreamProtocol);
  });

  it('is else a reset, or an answer that was cut', () => {
    for (const code of [0, 2, 4, 5, 8, 10, 11, 12, 77]) {
      assert.equal(reasonOf({ code }), REASON.upstreamReset, codeName(code));
      assert.equal(reasonOf({ code, isAnswered: true }), REASON.upstreamTruncated, codeName(code));
    }
    assert.equal(reasonOf({ isLost: true, code: 1 }), REASON.upstreamReset);
  });

  it('says what happened, and when', () => {
    assert.equal(failureOf(RESET).detail, 'RST_STREAM CANCEL before the response');
    assert.equal(failureOf({ ...RESET, code: 77, isAnswered: true }).detail, 'RST_STREAM code 77 within the response');
    const error = Object.assign(new Error('read'), { code: 'ECONNRESET' });
    assert.equal(failureOf({ ...RESET, isLost: true, error }).detail, 'ECONNRESET before the response');
    assert.equal(failureOf({ ...RESET, isLost: true }).detail, 'closed before the response');
  });
});
