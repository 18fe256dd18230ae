/** Messages about evidence. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBits, encodeBits, hasEvidence, MESSAGE_CHARS_MAX, parseMessage } from '#src/fleet/evidence/words.ts';
import { Random } from '#src/lib/random.ts';
import { ENDPOINTS_TOLD_APART_MAX } from '#src/model/rollout.ts';
import { UNIT_BITS } from '#src/model/tallies.ts';

const ARM = { words: [1, 100, 2, 3], seen: '', bad: '' };
const HELLO = { id: 'a-1', member: 'a', adminUrl: 'http://127.0.0.1:9900' };
const SOUND = {
  ...HELLO,
  route: 'shop',
  generation: 'abc',
  share: 0.05,
  limits: '',
  canary: ARM,
  stable: ARM,
  attempts: [['10.0.0.1:80', 1, 0]],
  endpoints: [],
};

test('bits are the same after they were written and read, few or many', () => {
  const random = new Random(7);
  for (const share of [0, 0.001, 0.05, 0.2, 1]) {
    const bits = Array.from({ length: UNIT_BITS }, (_, bit) => bit).filter(() => random.nextFloat() < share);
    const text = encodeBits(bits);
    assert.deepEqual(decodeBits(text), bits, String(share));
    assert.ok(text.length <= 5500, `${text.length}`);
  }
});

test('a message is what its sender wrote', () => {
  const message = parseMessage(JSON.stringify(SOUND));
  assert.deepEqual(message, SOUND);
  assert.ok(message !== null && hasEvidence(message));
  const hello = parseMessage(JSON.stringify(HELLO));
  assert.deepEqual(hello, HELLO);
  assert.ok(hello !== null && !hasEvidence(hello));
});

test('a message of an earlier release tells of no endpoint by its address', () => {
  const { attempts: _, ...before } = SOUND;
  const message = { ...before, endpoints: [4, 1] };
  assert.deepEqual(parseMessage(JSON.stringify(message)), message);
});

test('what is no message is none', () => {
  for (const text of ['', '{', '[]', 'null', '{}', ' '.repeat(MESSAGE_CHARS_MAX + 1)]) {
    assert.equal(parseMessage(text), null, text.slice(0, 20));
  }
  const wrong: Record<string, unknown>[] = [
    { id: '' },
    { id: 5 },
    { member: 'x'.repeat(1000) },
    { route: 5 },
    { share: -1 },
    { share: 1.5 },
    { share: null },
    { canary: null },
    { canary: { ...ARM, words: [1] } },
    { canary: { ...ARM, words: [1, Number.MAX_VALUE] } },
    { stable: { ...ARM, seen: 5 } },
    { attempts: [['10.0.0.1:80', 1.5, 0]] },
    { attempts: [['10.0.0.1:80', 1]] },
    { attempts: [[5, 1, 0]] },
    { attempts: {} },
    { attempts: Array.from({ length: ENDPOINTS_TOLD_APART_MAX + 1 }, (_, n) => [`10.0.0.1:${n}`, 1, 0]) },
  ];
  for (const change of wrong) {
    assert.equal(parseMessage(JSON.stringify({ ...SOUND, ...change })), null, JSON.stringify(change));
  }
});

test('bits that nobody has are left out', () => {
  assert.deepEqual(decodeBits(Buffer.from([0xff, 0xff, 5, 0, 7]).toString('base64')), [5]);
});
