/** A process that is killed at any moment leaves a state that opens, is whole, and lacks at most the last second, or a write that took longer. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { openFiles } from '#src/state/files.ts';
import { inFolder } from '../support/state/folder.ts';
import { checkedLog } from '../support/state/log.ts';
import { type ChildLine, runChild } from '../support/state/runs.ts';

const ROUNDS = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 50 : 2;
const SEED = Number(process.env['SLUICE_TEST_SEED'] ?? 77_001);
/** Turns of 10 ms: a second. A stalled process counts fewer turns, not more; a disk that is busy only keeps the write under way. */
const LOST_TURNS_MAX = 100;
/** Of these, the time of a write. */
const WRITE_TURNS = 20;

describe('a killed process', () => {
  it(`leaves a whole state that lacks a second at most, ${ROUNDS} times in a row`, { timeout: 590_000 }, (t) =>
    inFolder(async (folder) => {
      t.diagnostic(`seed ${SEED}`);
      const random = new Random(SEED);
      let nextId = 1;
      let worst = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const turns = 1 + (random.nextUint32() % (round === 0 ? 250 : 150));
        const run = await runChild({
          directory: folder,
          firstId: nextId,
          onLine: ({ event, turn }, child) => {
            if (event === 'turn' && turn === turns) child.kill('SIGKILL');
          },
        });
        assert.equal(run.signal, 'SIGKILL', `round ${round}`);
        assert.ok(
          run.lines.some(({ event, health }) => event === 'open' && health === 'durable'),
          `round ${round}`,
        );
        assert.ok(!run.lines.some(({ event }) => event === 'state_damaged' || event === 'state_unavailable'));
        const { database, lock, aside } = openFiles(folder, () => '');
        const { budgets, decisions, rollouts } = database.load();
        database.close();
        lock.release();
        assert.equal(aside, null, `round ${round}`);

        const told = run.lines.filter(({ event }) => event === 'decision_recorded').map(({ id }) => id ?? 0);
        const newest = decisions.at(-1)?.id ?? 0;
        assert.ok(newest >= Math.max(nextId - 1, ...told), `round ${round}: a decision that was told is lost`);
        assert.equal(rollouts[0]?.decision?.id ?? 0, newest, `round ${round}: decision and rollout go together`);
        const last = run.lines.findLast(({ event }) => event === 'turn')?.turn ?? 0;
        const [a, b] = ['a', 'b'].map((key) => budgets.get(key)?.bytes);
        assert.deepEqual(a, b, `round ${round}: budgets of one batch`);
        const saved = turnOf(a);
        const lostMax = LOST_TURNS_MAX + Math.max(0, turnsOfLastWrite(run.lines) - WRITE_TURNS);
        // What the round before saved is as much as nothing of this one.
        const lost = saved > last || last <= lostMax ? 0 : last - saved;
        worst = Math.max(worst, lost);
        assert.ok(lost <= lostMax, `round ${round}: ${lost} of ${last} turns lost, of at most ${lostMax}`);
        nextId = newest + 1;

        assert.equal(checkedLog(folder).length, newest, `round ${round}`);
      }
      t.diagnostic(`${nextId - 1} decisions; at most ${worst * 10} ms lost`);
    }),
  );
});

/** Turns up to the end in which something was being written all the time. */
function turnsOfLastWrite(lines: readonly ChildLine[]): number {
  const turns = lines.filter(({ event }) => event === 'turn');
  return turns.length - 1 - turns.findLastIndex(({ rowsPending }) => rowsPending === 0);
}

function turnOf(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
