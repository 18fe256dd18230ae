/** Keys are followed: at intervals, sooner when one is missing, the last good ones kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COOLDOWN_MS, KeysFollower } from '#src/sources/follow/keys.ts';
import { VirtualTime } from '../../../support/stores/virtual.ts';

const INTERVAL_MS = 300_000;

class Desk {
  readonly time = new VirtualTime();
  text: string | Error = 'first';
  asked = 0;
  readonly events: string[] = [];
  readonly follower = new KeysFollower({
    read: async () => {
      this.asked++;
      if (this.text instanceof Error) throw this.text;
      return this.text;
    },
    intervalMs: INTERVAL_MS,
    changed: (text) => void this.events.push(text),
    failed: (error) => void this.events.push(String(error)),
    nowMs: () => this.time.nowMs,
    draw: () => 0.5,
    timers: this.time,
  });
}

test('a text is told once, and again when it is another one', async () => {
  const desk = new Desk();
  await desk.follower.first;
  await desk.time.pass(INTERVAL_MS);
  desk.text = 'second';
  await desk.time.pass(INTERVAL_MS);
  assert.deepEqual([desk.asked, desk.events], [3, ['first', 'second']]);
});

test('a failure is said once, asked about ever later, and changes nothing', async () => {
  const desk = new Desk();
  await desk.follower.first;
  desk.text = new Error('gone');
  await desk.time.pass(INTERVAL_MS);
  await desk.time.pass(60_000);
  const askedInAMinute = desk.asked - 2;
  assert.ok(askedInAMinute > 5 && askedInAMinute < 20, String(askedInAMinute));
  assert.deepEqual(desk.events, ['first', 'Error: gone']);
  desk.text = 'first';
  await desk.time.pass(10_000);
  desk.text = new Error('gone');
  await desk.time.pass(INTERVAL_MS);
  assert.deepEqual(desk.events, ['first', 'Error: gone', 'Error: gone'], 'said anew after it was well');
});

test('a missing key is asked for at once, then after the cooldown, however often it is missed', async () => {
  const desk = new Desk();
  await desk.follower.first;
  for (let n = 0; n < 100; n++) desk.follower.wanted();
  await desk.time.pass(COOLDOWN_MS - 1);
  assert.equal(desk.asked, 1);
  await desk.time.pass(1);
  assert.equal(desk.asked, 2);
  await desk.time.pass(COOLDOWN_MS);
  for (let n = 0; n < 100; n++) desk.follower.wanted();
  await desk.time.pass(0);
  assert.equal(desk.asked, 3);
  await desk.time.pass(INTERVAL_MS);
  assert.equal(desk.asked, 4, 'the interval goes on');
});

test('after its end nothing is asked or told', async () => {
  const desk = new Desk();
  desk.follower.close();
  desk.follower.wanted();
  await desk.follower.first;
  await desk.time.pass(INTERVAL_MS * 2);
  assert.deepEqual([desk.asked, desk.events, desk.time.pending], [1, [], 0]);
});
