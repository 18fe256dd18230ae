/** What a peer's settings change, and which are none. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CODE } from '#src/proxy/http2/frames.ts';
import { HeaderEncoder } from '#src/proxy/http2/hpack/encoder.ts';
import { applySettings } from '#src/proxy/http2/session/peer-settings.ts';
import { setting } from '../../../../support/http/http2.ts';

function told(...settings: readonly (readonly [number, number])[]) {
  const sender = { encoder: new HeaderEncoder(), streamWindow: 65_535 };
  const limits: number[] = [];
  sender.encoder.limitTable = (bytes) => void limits.push(bytes);
  const streams = [100, -5].map((sendWindow) => ({
    sendWindow,
    widen(byteCount: number) {
      this.sendWindow += byteCount;
    },
  }));
  const bytes = Buffer.concat([Buffer.from('room'), ...settings.map(([id, value]) => setting(id, value))]);
  let visits = 0;
  const openStreams = () => {
    visits++;
    return streams;
  };
  const fault = applySettings({ sender, openStreams }, bytes, 4, bytes.length);
  return { fault, limits, visits, window: sender.streamWindow, windows: streams.map(({ sendWindow }) => sendWindow) };
}

describe('settings', () => {
  it('bound the table of fields', () => {
    assert.deepEqual(told([1, 0], [1, 8192]).limits, [0, 8192]);
  });

  it('change the windows of streams that are open and of those to come, also to less than nothing', () => {
    const { fault, window, windows } = told([4, 1000]);
    assert.deepEqual([fault, window, windows], [CODE.noError, 1000, [1000 - 65_435, 995 - 65_535]]);
    assert.deepEqual(told([4, 65_535]).windows, [100, -5]);
    assert.deepEqual(told([4, 1], [4, 65_536]).windows, [101, -4]);
  });

  it('that change the windows again and again go through the streams once, by the largest and the last', () => {
    const storm = Array.from({ length: 2730 }, (_, n) => [4, n % 2] as const);
    assert.deepEqual(told(...storm).visits, 1);
    assert.equal(told(...storm).window, 1);
    assert.equal(told([4, 1], [4, 65_535]).visits, 0);
    assert.equal(told([3, 1]).visits, 0);
  });

  it('that make any window too large are refused', () => {
    assert.equal(told([4, 2 ** 31]).fault, CODE.flowControl);
    assert.equal(told([4, 2 ** 31 - 1]).fault, CODE.noError);
    const bytes = setting(4, 2 ** 31 - 1);
    const sender = { encoder: new HeaderEncoder(), streamWindow: 65_535 };
    const stream = { sendWindow: 65_536, widen: () => assert.fail('it was too large') };
    assert.equal(applySettings({ sender, openStreams: () => [stream] }, bytes, 0, 6), CODE.flowControl);
    sender.streamWindow = 65_535;
    const moment = Buffer.concat([bytes, setting(4, 5)]);
    assert.equal(
      applySettings({ sender, openStreams: () => [stream] }, moment, 0, 12),
      CODE.flowControl,
      'for a moment',
    );
  });

  it('that say yes or no may say nothing else', () => {
    for (const id of [2, 8]) {
      for (const value of [0, 1]) assert.equal(told([id, value]).fault, CODE.noError);
      assert.equal(told([id, 2]).fault, CODE.protocol);
    }
  });

  it('of frame sizes are within what there is', () => {
    for (const value of [16_384, 2 ** 24 - 1]) assert.equal(told([5, value]).fault, CODE.noError);
    for (const value of [0, 16_383, 2 ** 24]) assert.equal(told([5, value]).fault, CODE.protocol);
  });

  it('that are not known are ignored, and nothing is none', () => {
    assert.equal(told([3, 0], [6, 0], [0xff, 2 ** 32 - 1]).fault, CODE.noError);
    assert.equal(told().fault, CODE.noError);
  });
});
