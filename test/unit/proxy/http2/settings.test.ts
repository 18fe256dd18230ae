import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionOptions } from '#src/proxy/http2/settings.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';

test('a session is bounded by the limits that are in force, and sees no abuse before the frame budget does', () => {
  const options = sessionOptions({
    ...LIMITS,
    http2StreamsMax: 7,
    http2AbuseMax: 50,
    headerCountMax: 40,
    headBytesMax: 1000,
  });
  assert.equal(options.settings?.maxConcurrentStreams, 7);
  assert.equal(options.settings?.enableConnectProtocol, true);
  assert.ok((options.settings?.maxHeaderListSize ?? 0) > 1000 + 40 * 32);
  assert.ok((options.maxHeaderListPairs ?? 0) > 40);
  for (const max of [options.maxSessionInvalidFrames, options.maxSessionRejectedStreams]) assert.ok((max ?? 0) > 50);
  assert.ok((options.maxSessionMemory ?? 0) > 0);
});
