/**
 * Batches for the state store, a rollout in them, and a look at the log that came of them.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SavedRollout } from '#src/model/rollout.ts';
import type { StateBatch } from '#src/model/threads/state.ts';
import { chained, GENESIS } from '#src/state/chain.ts';
import { STATE_FILE } from '#src/state/database.ts';

/** A batch with nothing in it but what is given. */
export function batchOf(parts: Partial<StateBatch> = {}): StateBatch {
  return { budgets: new Map(), rollouts: new Map(), decisions: [], segments: [], segmentsLost: new Map(), ...parts };
}

/** A rollout of `checkout` that was rolled back. */
export function sampleRollout(parts: Partial<SavedRollout> = {}): SavedRollout {
  const state = { kind: 'rolled-back', forMs: 5, by: 'evidence' } as const;
  const rollout = { state, ladder: [], fixReason: '', leftAtStart: null, spentBefore: 0, undo: null };
  return { format: 1, route: 'checkout', generation: 'a', rollout, decision: null, ...parts };
}

/** Checks the chain of the log in a folder, row by row. @returns the hashes, oldest first */
export function checkedLog(folder: string): string[] {
  const database = new DatabaseSync(join(folder, STATE_FILE), { readOnly: true });
  const rows = database.prepare('SELECT seq, previous, hash, body FROM decisions ORDER BY seq').all();
  database.close();
  let previous = GENESIS;
  return rows.map((row, n) => {
    assert.equal(row['seq'], n + 1);
    assert.equal(row['previous'], previous);
    assert.equal(row['hash'], chained(previous, row['body'] as string));
    previous = row['hash'] as string;
    return previous;
  });
}
