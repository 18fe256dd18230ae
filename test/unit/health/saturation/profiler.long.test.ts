import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectGarbage, collectOnce, lastingBytes, profileThread } from '#src/health/saturation/profiler.ts';

const MIB = 1_048_576;

/** Does something for the samples to find, until told to stop. */
function busy(): () => void {
  const kept: string[][] = [];
  const timer = setInterval(function workHard() {
    // So much that one turn is sampled for sure: one in 512 KiB is, in the mean.
    kept.push(Array.from({ length: 200_000 }, (_, n) => `not-a-word-of-the-profile-${n}`));
  }, 1);
  return () => clearInterval(timer);
}

async function profileOf(kind: 'cpu' | 'heap'): Promise<string> {
  const stop = busy();
  try {
    return Buffer.from(await profileThread({ kind, lengthMs: 100, bytesMax: 8 * MIB })).toString();
  } finally {
    stop();
  }
}

test('a CPU profile names functions and when they were seen', async () => {
  const { nodes, samples } = JSON.parse(await profileOf('cpu')) as { nodes: unknown[]; samples: unknown[] };
  assert.ok(nodes.length > 0 && samples.length > 0);
});

test('a heap profile says who allocated, and holds none of the values', async () => {
  const text = await profileOf('heap');
  assert.ok(text.includes('"selfSize"') && text.includes('workHard'));
  assert.equal(text.includes('not-a-word-of-the-profile'), false);
});

test('one that is too long is given up, and the next one is made', async () => {
  await assert.rejects(profileThread({ kind: 'cpu', lengthMs: 20, bytesMax: 10 }), /more than the 10 allowed/);
  await profileThread({ kind: 'cpu', lengthMs: 20, bytesMax: 8 * MIB });
});

test('garbage is collected', async () => {
  const { promise: collected, resolve } = Promise.withResolvers<string>();
  const registry = new FinalizationRegistry(resolve);
  registry.register({ of: 'nobody' }, 'an object');
  // The object is on the stack of this turn.
  await new Promise((next) => setImmediate(next));
  await collectGarbage();
  assert.equal(await collected, 'an object');
});

test('a collection takes away what lasted and is garbage now', () => {
  let kept: string[] | null = Array.from({ length: 200_000 }, (_, n) => `text ${n}`);
  // Young objects that are there still after two collections are kept for long.
  collectOnce();
  collectOnce();
  const before = lastingBytes();
  assert.ok(before > 5 * MIB, `${before} bytes, with ${kept.length} texts`);
  kept = null;
  collectOnce();
  assert.ok(lastingBytes() < before - 5 * MIB, `${lastingBytes()} bytes after ${before}`);
});
