/**
 * A process that keeps state as a gateway does, until somebody ends it: `child.ts DIR FIRST_ID BUDGET_BYTES`.
 *
 * Every TURN_MS it counts a turn, which its budgets carry; it prints what it has counted, how many rows are not written, how its state
 * stands, and what it was told is, one JSON object per line.
 */

import { writeSync } from 'node:fs';
import { wallTime } from '#src/lib/clock.ts';
import { StateStore } from '#src/state/store.ts';
import { sampleDecision } from '../readings/status.ts';
import { sampleRollout } from './log.ts';

const TURN_MS = 10;
const TURNS_PER_DECISION = 7;
const STDOUT = 1;

const [directory = '', firstId = '1', budgetBytes = '12000'] = process.argv.slice(2);
const say = (line: Readonly<Record<string, unknown>>): void => void writeSync(STDOUT, `${JSON.stringify(line)}\n`);
const log = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => say({ event, ...fields });

let turn = 0;
let id = Number(firstId);

const store = new StateStore({
  log: { info: log, warn: log, error: log },
  retryMs: 100,
  wallTime,
  collect: () => {
    const bytes = new Uint8Array(Number(budgetBytes));
    new DataView(bytes.buffer).setUint32(0, turn);
    const other = new Uint8Array(bytes);
    const at = '2026-01-01T00:00:00.000Z';
    store.saveBudgets(
      new Map([
        ['a', { format: 1, bytes, at }],
        ['b', { format: 1, bytes: other, at }],
      ]),
    );
  },
});
await store.open(directory);
say({ event: 'open', health: store.health.kind, pid: process.pid });

setInterval(() => {
  turn += 1;
  if (turn % TURNS_PER_DECISION === 0) {
    const decision = sampleDecision({ id });
    store.append(decision, sampleRollout({ generation: String(id), decision }));
    id += 1;
  }
  const { rowsPending, kind: health } = store.status;
  say({ event: 'turn', turn, id: id - 1, rowsPending, health });
}, TURN_MS);
process.on('SIGTERM', () => void store.close().then(() => process.exit(0)));
