/** What is done with messages; with a real Redis, integration/fleet/messages.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetEvidence } from '#src/compose/fleet/evidence.ts';
import { Hearing } from '#src/compose/fleet/hearing.ts';
import { Members } from '#src/compose/fleet/members.ts';
import type { FleetNode } from '#src/fleet/node.ts';
import type { RedisStore } from '#src/fleet/redis/store.ts';
import type { Log, LogCall } from '#src/lib/log.ts';
import type { RolloutNews } from '#src/model/threads/fleet.ts';

const ARM = { words: [], seen: '', bad: '' };
const HELLO = { id: 'b', member: 'two', adminUrl: 'http://two' };
const EVIDENCE = JSON.stringify({
  ...HELLO,
  ...{ route: 'shop', generation: 'g', share: 0.05, limits: '' },
  ...{ canary: ARM, stable: ARM, endpoints: [] },
});

class Rig {
  nowMs = 0;
  hasRoom = true;
  isConnected = true;
  readonly words: string[] = [];
  readonly told: unknown[] = [];
  readonly members = new Members();
  readonly hearing = new Hearing({
    id: 'a',
    log: { warn: this.#say } as unknown as Log,
    members: this.members,
    evidence: { take: () => this.hasRoom } as unknown as FleetEvidence,
    nowMs: () => this.nowMs,
  });

  get #say(): LogCall {
    return (_, fields) => void this.told.push(fields?.['because']);
  }

  hear(kind: 'word' | 'evidence', text: string): void {
    const heard = (word: string): object | null => (word === 'none' ? null : { resource: {}, word });
    const node = {
      isConnected: this.isConnected,
      heard: (_: unknown, word: string) => {
        if (word === 'bad') throw new Error('it cannot be followed');
        this.words.push(word);
      },
    };
    this.hearing.hear(kind, text, {
      node: node as unknown as FleetNode<RolloutNews>,
      store: { heard } as unknown as RedisStore<RolloutNews>,
    });
  }
}

test('a word goes to the node, and what is none, or throws there, is counted', () => {
  const rig = new Rig();
  for (const text of ['good', 'none', 'bad', 'x'.repeat(300_000)]) rig.hear('word', text);
  assert.deepEqual(rig.words, ['good']);
  assert.deepEqual(rig.hearing.counts, { taken: 0, refused: 3 });
});

test('evidence is taken in while the store is in reach and there is room; our own says that we can hear', () => {
  const rig = new Rig();
  rig.hear('evidence', EVIDENCE);
  rig.hear('evidence', JSON.stringify({ ...HELLO, id: 'c' }));
  rig.nowMs = 700;
  rig.hear('evidence', JSON.stringify({ ...HELLO, id: 'a' }));
  assert.deepEqual([rig.hearing.counts, rig.hearing.selfAtMs], [{ taken: 2, refused: 0 }, 700]);
  rig.hasRoom = false;
  rig.hear('evidence', EVIDENCE);
  assert.deepEqual(rig.hearing.counts, { taken: 2, refused: 1 });
  rig.isConnected = false;
  rig.hear('evidence', EVIDENCE);
  assert.deepEqual(rig.hearing.counts, { taken: 3, refused: 1 });
  assert.equal(rig.members.list(rig.nowMs).length, 2);
});

test('what is refused is told of once in ten seconds, however much it is', () => {
  const rig = new Rig();
  for (rig.nowMs = 0; rig.nowMs < 20_000; rig.nowMs += 10) rig.hear('evidence', '{}');
  assert.deepEqual(rig.told, ['it is no evidence', 'it is no evidence']);
  assert.equal(rig.hearing.counts.refused, 2000);
});
