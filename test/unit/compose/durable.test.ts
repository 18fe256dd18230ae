/** What is handed out when a process begins: every row by itself, and no more work than there are rows. */

import assert from 'node:assert/strict';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { Durable, type Keeper } from '#src/compose/durable.ts';
import type { Rollouts } from '#src/compose/rollouts.ts';
import { Defects } from '#src/compose/watches/defects.ts';
import { bothClocks } from '#src/lib/clock.ts';
import type { Log } from '#src/lib/log.ts';
import type { SloSource } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { SloEngine } from '#src/slo/budget/engine.ts';
import { BUDGET_FORMAT, toBytes } from '#src/slo/budget/ledger/saved.ts';
import type { SavedObjective } from '#src/slo/budget/objective.ts';
import { Activity } from '#src/slo/totals/activity.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { STATE_FILE } from '#src/state/database.ts';
import { lookInto } from '#src/state/look.ts';
import { eventually } from '../../support/proxy/running.ts';
import { WAITS } from '../../support/runner/depth.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';
import { inFolder } from '../../support/state/folder.ts';

const ROWS = 200;
const SLO = { ...DEFAULT_SLO, availabilityRatio: 0.999, latency: null, calendar: null };
const UNWRITTEN = { decisions: [], segments: [], segmentsLost: new Map() };
const AT = new Date().toISOString();

function route(n: number): SloSource {
  return { scope: 'route', name: `r${n}`, cells: [1], slo: SLO };
}

/** Routes `r0`, `r1` and so on, of one cell. */
function engineOf(routes: number): SloEngine {
  const engine = new SloEngine();
  engine.follow(Array.from({ length: routes }, (_, n) => route(n)));
  return engine;
}

/** What `ROWS` routes that counted seven exchanges each leave. */
function savedOf(): SavedObjective[] {
  const engine = engineOf(ROWS);
  const worker = new FakeWorker(1);
  worker.add(1, CELL.finished, 7);
  engine.turn([worker.region], { nowMs: 100, wallMs: 100 }, true);
  return engine.save(100);
}

function rowsOf(): Map<string, SavedBudget> {
  return new Map(savedOf().map((one) => [one.id, { format: BUDGET_FORMAT, bytes: toBytes(one), at: AT }]));
}

function durableOf(slos: SloEngine, keepers: readonly Keeper[] = []) {
  const lines: string[] = [];
  const note = (event: string, { name, objective }: { readonly name?: string; readonly objective?: string } = {}) =>
    void lines.push(`${event} ${name ?? objective}`);
  const log = { info: note, warn: note, error: note } as unknown as Log;
  const rollouts = { recall: () => undefined, seal: () => undefined, save: () => [] } as unknown as Rollouts;
  const defects = new Defects({ log });
  const durable = new Durable({
    log,
    slos,
    rollouts: () => rollouts,
    keepers: () => keepers,
    look: () => undefined,
    defects,
    retryMs: 50,
  });
  return { durable, lines };
}

/** A process that is handed rows, in memory. */
async function restored(slos: SloEngine, budgets: ReadonlyMap<string, SavedBudget>): Promise<readonly string[]> {
  const { durable, lines } = durableOf(slos);
  await durable.open(null);
  lines.length = 0;
  durable.restore({ budgets, rollouts: [], decisions: [], unwritten: UNWRITTEN, isPartial: false });
  await durable.close();
  return lines;
}

/** Routes that have what the rows say. */
function counted(slos: SloEngine): string[] {
  const all = slos.status(bothClocks());
  return all.flatMap(({ name, events }) => (events.good === 7 && events.bad === 0 ? [name] : []));
}

function work(t: TestContext) {
  const indexed = t.mock.method(Map.prototype, 'set').mock;
  const awoken = t.mock.method(Activity.prototype, 'setAllDue').mock;
  return () => {
    const counts = { indexed: indexed.callCount(), awoken: awoken.callCount() };
    t.mock.restoreAll();
    return counts;
  };
}

it('restoring looks at every objective once, not once a row', async (t) => {
  const rows = rowsOf();
  const slos = engineOf(ROWS);
  const done = work(t);
  const lines = await restored(slos, rows);
  const { indexed, awoken } = done();
  assert.deepEqual([lines, counted(slos).length], [[], ROWS]);
  assert.ok(indexed < 10 * ROWS, `${indexed} entries of maps`);
  assert.equal(awoken, 1);
});

it('who is restored after a turn is due again', (t) => {
  const slos = engineOf(1);
  const done = work(t);
  for (let n = 0; n < 2; n++) {
    slos.restore([], 0, 0);
    slos.turn([], { nowMs: 100, wallMs: 100 });
  }
  assert.equal(done().awoken, 2);
});

it('what no objective was for is for one that has come since', () => {
  const slos = new SloEngine();
  const [first] = savedOf() as [SavedObjective];
  assert.deepEqual(slos.restore([first], 0, 0), [first.id]);
  slos.follow([route(0)]);
  assert.deepEqual(slos.restore([first], 0, 0), []);
});

it('a row that cannot be read costs nobody but itself, wherever its fault is', async () => {
  const rows = rowsOf();
  const good = rows.get('route/r9/availability') as SavedBudget;
  const textEnd = 4 + new DataView(good.bytes.buffer, good.bytes.byteOffset).getUint32(0, true);
  rows.set('route/r1/availability', { ...good, bytes: Buffer.from('odd') });
  rows.set('route/r2/availability', { ...good, format: 77 });
  rows.set('route/r3/availability', { ...good, bytes: good.bytes.subarray(0, textEnd + 3) });
  rows.set('route/gone/availability', good);
  const slos = engineOf(ROWS);
  const invalid = [1, 2, 3].map((n) => `state_invalid route/r${n}/availability`);
  assert.deepEqual(await restored(slos, rows), [...invalid, 'budget_stale route/gone/availability']);
  const names = new Set(counted(slos));
  assert.deepEqual([names.size, ...['r1', 'r2', 'r3'].map((name) => names.has(name))], [ROWS - 3, false, false, false]);
});

it('what was written before is written again to a file that takes the place of a lost one', WAITS, () =>
  inFolder(async (folder) => {
    const directory = join(folder, 'state');
    const rowOf = (text: string): SavedBudget => ({ format: 1, bytes: Uint8Array.from(Buffer.from(text)), at: AT });
    const keeper: Keeper = { save: () => new Map([['config/pin', rowOf('a')]]), recall: () => false };
    const { durable, lines } = durableOf(engineOf(1), [keeper]);
    const has = (key: string): boolean => existsSync(join(directory, STATE_FILE)) && lookInto(directory, '').has(key);
    await durable.open(directory);
    try {
      durable.restore();
      durable.keep(keeper.save());
      await eventually(() => has('config/pin'), 'it is in the file');
      renameSync(directory, `${directory}.lost`);
      durable.keep(new Map([['config/confirmed', rowOf('b')]]));
      await eventually(() => has('config/confirmed'), 'another file was begun');
      await eventually(() => has('config/pin'), 'it is in the other file as well');
    } finally {
      await durable.close();
    }
    assert.ok(lines.some((line) => line.startsWith('state_recovered')));
  }),
);
