import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Decision } from '#src/model/slo.ts';
import { StateDatabase } from '#src/state/database.ts';
import { lookInto } from '#src/state/look.ts';
import { readLog } from '#src/state/read.ts';
import { migrate, SCHEMA_VERSION } from '#src/state/schema.ts';
import { sampleDecision } from '../../support/readings/status.ts';
import { inFolder } from '../../support/state/folder.ts';
import { batchOf, checkedLog, sampleRollout } from '../../support/state/log.ts';

const AT = '2026-01-01T00:00:00.000Z';
const open = (folder: string): StateDatabase =>
  new StateDatabase({ path: join(folder, 'sluice.db'), wallTime: () => AT });

const ROLLOUT = sampleRollout();

describe('the database', () => {
  it('gives back what was saved, the newest of each', () =>
    inFolder((folder) => {
      const first = open(folder);
      const budget = (byte: number) => ({ format: 3, bytes: new Uint8Array([byte, 255]), at: AT });
      first.write(
        batchOf({
          budgets: new Map([
            ['a', budget(1)],
            ['b', budget(2)],
          ]),
        }),
      );
      first.write(batchOf({ budgets: new Map([['a', budget(9)]]), rollouts: new Map([['checkout', ROLLOUT]]) }));
      first.write(batchOf({ decisions: [sampleDecision({ id: 1 }), sampleDecision({ id: 2 })] }));
      first.close();
      const again = open(folder);
      const { budgets, rollouts, decisions } = again.load();
      again.close();
      assert.deepEqual(
        budgets,
        new Map([
          ['a', budget(9)],
          ['b', budget(2)],
        ]),
      );
      assert.deepEqual(rollouts, [ROLLOUT]);
      assert.deepEqual(decisions, [sampleDecision({ id: 1 }), sampleDecision({ id: 2 })]);
    }));

  it('chains decisions without gaps, over a restart too', () =>
    inFolder((folder) => {
      const first = open(folder);
      const before = first.write(batchOf({ decisions: [sampleDecision({ id: 1 })] }));
      first.close();
      const second = open(folder);
      const after = second.write(batchOf({ decisions: [sampleDecision({ id: 2 }), sampleDecision({ id: 3 })] }));
      second.close();
      const recorded = [...before, ...after];
      assert.deepEqual(
        recorded.map(({ seq, id }) => [seq, id]),
        [
          [1, 1],
          [2, 2],
          [3, 3],
        ],
      );
      assert.deepEqual(
        checkedLog(folder),
        recorded.map(({ hash }) => hash),
      );
    }));

  it('writes all of a batch or nothing, and goes on in the chain where it was', () =>
    inFolder((folder) => {
      const database = open(folder);
      // No text for the row: SQLite refuses what cannot be bound.
      const broken = batchOf({
        rollouts: new Map([['checkout', ROLLOUT]]),
        budgets: new Map([['a', { format: 1, bytes: new Uint8Array([1]), at: '' }]]),
        decisions: [sampleDecision({ id: 1 }), undefined as unknown as Decision],
      });
      assert.throws(() => database.write(broken));
      const { budgets, rollouts, decisions } = database.load();
      assert.deepEqual([budgets.size, rollouts.length, decisions.length], [0, 0, 0]);
      const [recorded] = database.write(batchOf({ decisions: [sampleDecision()] }));
      database.close();
      assert.equal(recorded?.seq, 1);
      assert.deepEqual(checkedLog(folder), [recorded.hash]);
    }));

  it('refuses a file that is damaged, and one of a newer release', () =>
    inFolder((folder) => {
      writeFileSync(join(folder, 'sluice.db'), 'not a database at all, but long enough to be looked at'.repeat(50));
      assert.throws(() => open(folder), /not a database/);
      const path = join(folder, 'newer.db');
      const newer = new DatabaseSync(path);
      migrate(newer, AT);
      newer.prepare('INSERT INTO schema_version VALUES (?, ?)').run(SCHEMA_VERSION + 1, AT);
      newer.close();
      assert.throws(() => new StateDatabase({ path, wallTime: () => AT }), /version \d+, this release knows \d+/);
    }));
});

describe('tapes in the database', () => {
  const segment = (number: number, bytes: number) => ({
    watch: 'w',
    route: 'checkout',
    number,
    at: AT,
    previous: '',
    hash: String(number),
    // What cannot be packed.
    bytes: randomBytes(bytes),
  });

  it('are bounded: the oldest segments go, and are counted, over a restart too', () =>
    inFolder((folder) => {
      const options = { path: join(folder, 'sluice.db'), wallTime: () => AT, tapeBytesMax: 5000 };
      const first = new StateDatabase(options);
      first.write(batchOf({ segments: [1, 2, 3, 4].map((n) => segment(n, 1000)) }));
      first.close();
      const second = new StateDatabase(options);
      const segmentsLost = new Map([['w', { route: 'checkout', segments: 2 }]]);
      second.write(batchOf({ segments: [segment(5, 1000)], segmentsLost }));
      second.close();
      const lines = [...readLog(folder)];
      assert.deepEqual(
        lines.flatMap((line) => (line.kind === 'segment' ? [line.number] : [])),
        [2, 3, 4, 5],
      );
      assert.deepEqual(
        lines.find(({ kind }) => kind === 'letGo'),
        {
          kind: 'letGo',
          watch: 'w',
          route: 'checkout',
          segments: 3,
        },
      );
    }));

  it('and the head follows the newest decision, also in a file of the release before', () =>
    inFolder((folder) => {
      const path = join(folder, 'sluice.db');
      const old = new DatabaseSync(path);
      migrate(old, AT, 1);
      old.exec(`INSERT INTO decisions VALUES (1, '${'0'.repeat(64)}', 'abc', '{}')`);
      old.close();
      const database = new StateDatabase({ path, wallTime: () => AT });
      const headOf = () => [...readLog(folder)].find(({ kind }) => kind === 'head');
      assert.deepEqual(headOf(), { kind: 'head', seq: 1, hash: 'abc' });
      const [recorded] = database.write(batchOf({ decisions: [sampleDecision()] }));
      database.close();
      assert.deepEqual(headOf(), { kind: 'head', seq: 2, hash: recorded?.hash });
    }));
});

/** A thread that keeps everybody else from the file, as a process does that begins, recovers or closes it, and lets go of it after 100 ms. */
const HOLDER = `
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
const database = new DatabaseSync(workerData);
database.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
parentPort.postMessage('held');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
database.exec('COMMIT');
database.close();
`;

describe('a reader', () => {
  for (const [name, read] of [
    ['of what is held', (folder: string) => lookInto(folder, '').size],
    ['of the log', (folder: string) => [...readLog(folder)].length],
  ] as const) {
    it(`${name} waits for whoever is in its way`, () =>
      inFolder(async (folder) => {
        open(folder).close();
        const source = new URL(`data:text/javascript,${encodeURIComponent(HOLDER)}`);
        const holder = new Worker(source, { workerData: join(folder, 'sluice.db') });
        const ended = once(holder, 'exit');
        assert.deepEqual(await once(holder, 'message'), ['held']);
        assert.equal(read(folder), 0);
        assert.deepEqual(await ended, [0]);
      }));
  }
});
