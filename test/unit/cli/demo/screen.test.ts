import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Phase } from '#src/cli/demo/load.ts';
import { createScreen, formatMs, formatShare, latencyText, versionsText } from '#src/cli/demo/screen.ts';

function screenAt(isPlain: boolean) {
  let text = '';
  let nowMs = 5000;
  const output = { write: (chunk: string) => (text += chunk), on: () => undefined };
  const screen = createScreen({ output, isPlain, nowMs: () => nowMs });
  return { screen, text: () => text, pass: (ms: number) => (nowMs += ms) };
}

const PHASE: Phase = {
  sent: 20,
  succeeded: 18,
  failed: 2,
  inFlight: 0,
  byVersion: new Map([
    ['v2', { succeeded: 3, failed: 2 }],
    ['v1', { succeeded: 15, failed: 0 }],
  ]),
  quantileMs: (quantile) => (quantile === 0.5 ? 6.12 : 1234),
};

suite('screen', () => {
  test('plain lines carry the time since the start and no control character', () => {
    const { screen, text, pass } = screenAt(true);
    screen.line('head', 'bold');
    screen.at('start');
    pass(12_900);
    screen.at('later', 'bad');
    screen.more('more', 'good');
    screen.live('never shown');
    assert.equal(text(), '  head\n  t+00s  start\n  t+12s  later\n         more\n');
  });

  test('on a terminal tones are colors and the live line is replaced', () => {
    const { screen, text } = screenAt(false);
    screen.line('fine', 'good');
    screen.live('one');
    screen.live('two');
    screen.line('after');
    screen.line('end');
    const erase = '\r\u001b[2K';
    assert.equal(text(), `  \u001b[32mfine\u001b[39m\n${erase}  one${erase}  two${erase}  after\n  end\n`);
  });

  test('versions are listed in order with their failures', () => {
    assert.equal(versionsText(PHASE), 'v1 0 failed of 15 | v2 2 failed of 5');
    assert.equal(latencyText(PHASE), 'p50 6.1 ms, p99 1.23 s');
  });

  test('numbers have a unit and no more digits than they deserve', () => {
    assert.equal(formatMs(0.0213), '0.021 ms');
    assert.equal(formatMs(41.4), '41 ms');
    assert.equal(formatMs(640.2), '640 ms');
    assert.equal(formatMs(1940), '1.94 s');
    assert.equal(formatMs(0), '0 ms');
    assert.equal(formatMs(null), '-');
    assert.equal(formatShare(8, 1214), '0.66 %');
    assert.equal(formatShare(0, 10), '0 %');
    assert.equal(formatShare(0, 0), '-');
  });
});
