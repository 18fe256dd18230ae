/** What waits to be exported: batches, losses, and decisions that find the requests that led to them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BATCH_ITEMS, Outbox, REMEMBERED_MAX } from '#src/export/requests/outbox.ts';
import type { Span } from '#src/export/requests/spans.ts';
import { REF, traceRow } from '../../../support/readings/traces/rows.ts';

interface Sent {
  readonly outbox: Outbox;
  readonly batches: (readonly Span[])[];
  /** Settles the batch that is on its way. */
  readonly settle: (error?: Error) => Promise<void>;
}

function outboxOf(queueMax = 10_000): Sent {
  const batches: (readonly Span[])[] = [];
  let last = Promise.withResolvers<void>();
  const outbox = new Outbox({
    send: (spans) => {
      batches.push(spans);
      last = Promise.withResolvers<void>();
      return last.promise;
    },
    offsetMs: () => 0,
    newRef: () => ({ traceId: 'e'.repeat(32), spanId: 'f'.repeat(16) }),
    queueMax,
  });
  return {
    outbox,
    batches,
    settle: async (error) => {
      if (error === undefined) last.resolve();
      else last.reject(error);
      // What hangs on it is a few promises further.
      for (let n = 0; n < 10; n++) await Promise.resolve();
    },
  };
}

const rows = (count: number) => ({
  rows: Array.from({ length: count }, () => traceRow({})),
  queueFull: 0,
  failureRate: 0,
});
const NOTE = { kind: 'rollback', trigger: 'evidence', sentence: 's', route: 'shop', rollout: null, atWallMs: 1 };

describe('the outbox', () => {
  it('hands over what waits at its turn, one batch at a time', async () => {
    const { outbox, batches, settle } = outboxOf();
    outbox.take(rows(3));
    assert.equal(batches.length, 0);
    outbox.turn();
    outbox.take(rows(BATCH_ITEMS + 1));
    outbox.turn();
    assert.deepEqual([batches.length, outbox.state.queued], [1, BATCH_ITEMS + 1]);
    await settle();
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [3, BATCH_ITEMS],
    );
    await settle();
    await settle();
    assert.deepEqual([outbox.state.queued, outbox.state.counts.exported], [0, BATCH_ITEMS + 4]);
  });

  it('does not wait for its turn when there is a whole batch', () => {
    const { outbox, batches } = outboxOf();
    outbox.take(rows(BATCH_ITEMS));
    assert.equal(batches.length, 1);
  });

  it('loses a batch that the collector does not take, says why, and goes on at the next turn', async () => {
    const { outbox, batches, settle } = outboxOf();
    outbox.take(rows(BATCH_ITEMS + 5));
    await settle(new Error('down'));
    const { because, counts, queued } = outbox.state;
    assert.deepEqual([because, counts.failed, queued, batches.length], ['down', BATCH_ITEMS, 5, 1]);
    outbox.turn();
    await settle();
    assert.deepEqual([outbox.state.because, outbox.state.counts.exported], ['', 5]);
  });

  it('drops what comes when the queue is full, and counts what workers dropped', () => {
    const { outbox } = outboxOf(4);
    outbox.take({ ...rows(6), queueFull: 2, failureRate: 3 });
    assert.deepEqual(outbox.state.counts.dropped, { queueFull: 2, failureRate: 3, worker: 2 });
    assert.equal(outbox.state.queued, 4);
  });

  it('flushes: what is on its way, then the rest', async () => {
    const { outbox, batches, settle } = outboxOf();
    outbox.take(rows(1));
    outbox.turn();
    outbox.take(rows(1));
    let isFlushed = false;
    const flushed = outbox.flush().then(() => {
      isFlushed = true;
    });
    await settle();
    assert.deepEqual([batches.length, isFlushed], [2, false]);
    await settle();
    await flushed;
    assert.equal(outbox.state.counts.exported, 2);
  });
});

describe('a decision', () => {
  it('is linked to the failed requests that it names, however their ids are written', async () => {
    const { outbox, batches, settle } = outboxOf();
    const requestId = '0A0A0A0A-0b0b-0c0c-0d0d-0e0e0e0e0e0e';
    outbox.take({ ...rows(0), rows: [traceRow({ status: 500, requestId }), traceRow({ requestId: 'fine' })] });
    assert.equal(outbox.knows(['0a0a0a0a0b0b0c0c0d0d0e0e0e0e0e0e']), true);
    assert.equal(outbox.knows(['0a0a0a0a0b0b0c0c0d0d0e0e0e0e0e0e', 'fine']), false);
    outbox.decided({ ...NOTE, requestIds: ['0a0a0a0a0b0b0c0c0d0d0e0e0e0e0e0e', 'fine', 'unknown'] });
    outbox.turn();
    await settle();
    const span = batches[0]!.at(-1)!;
    assert.deepEqual([span.traceId, span.links], ['e'.repeat(32), [REF]]);
  });

  it('finds no request that was long ago', async () => {
    const { outbox, batches, settle } = outboxOf();
    const failed = (n: number) => traceRow({ status: 500, requestId: `r${n}` });
    for (let n = 0; n <= REMEMBERED_MAX; n++) outbox.take({ ...rows(0), rows: [failed(n)] });
    outbox.decided({ ...NOTE, requestIds: ['r0', 'r1', `r${REMEMBERED_MAX}`] });
    while (outbox.state.queued > 0) await settle();
    assert.equal(batches.at(-1)!.at(-1)!.links.length, 2);
  });
});
