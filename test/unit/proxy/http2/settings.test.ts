import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opening, sessionLimits } from '#src/proxy/http2/settings.ts';
import { TYPE } from '../../../support/http/http2.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';
import { framesIn } from '../../../support/proxy/wires/own-session.ts';

const limits = { ...LIMITS, http2StreamsMax: 7, http2AbuseMax: 50, headerCountMax: 40, headBytesMax: 1000 };

test('a session is bounded by the limits that are in force, of heads above those: they are answered with 431', () => {
  const { fields, ...bounds } = sessionLimits(limits);
  assert.deepEqual(bounds, { http2AbuseMax: 50, headBytesMax: 1000, streamsMax: 7, windowBytes: 8 * 65_535 });
  assert.ok(fields.listBytesMax > 1000 + 40 * 32);
  assert.ok(fields.countMax > 40);
});

test('a client is told of them, and that the connection’s window is that of eight streams', () => {
  const [settings, update, ...more] = framesIn(opening(limits));
  assert.deepEqual([settings?.type, settings?.flags, settings?.id, more], [TYPE.settings, 0, 0, []]);
  const told = new Map<number, number>();
  const payload = settings?.payload as Buffer;
  for (let at = 0; at < payload.length; at += 6) told.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  assert.deepEqual(
    [...told],
    [
      [3, 7],
      [6, sessionLimits(limits).fields.listBytesMax],
      [8, 1],
    ],
  );
  assert.deepEqual([update?.type, update?.id, update?.payload.readUInt32BE(0)], [TYPE.window, 0, 7 * 65_535]);
});
