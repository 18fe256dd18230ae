/** What outlives the process, where the place it is kept in comes back late: what is newer stays, and nothing is lost. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { audit } from '#src/cli/log/verify/audit.ts';
import { Durable, type Keeper } from '#src/compose/durable.ts';
import { joined, partsOf } from '#src/compose/handover/parts.ts';
import { Rollouts } from '#src/compose/rollouts.ts';
import { Defects } from '#src/compose/watches/defects.ts';
import { bothClocks, nowMs } from '#src/lib/clock.ts';
import type { Log } from '#src/lib/log.ts';
import { CELL } from '#src/model/tallies.ts';
import type { PassedState } from '#src/model/threads/state.ts';
import { SloEngine } from '#src/slo/budget/engine.ts';
import { REEL_BYTES_MAX } from '#src/slo/replay/reel.ts';
import { createDials, getDial } from '#src/snapshot/dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { objectivesOf } from '#src/snapshot/objectives.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { readLog } from '#src/state/read.ts';
import { configOf, SOUND } from '../../support/config.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';
import { Disk } from '../../support/state/disk.ts';
import { inFolder } from '../../support/state/folder.ts';

const TEXT = `${SOUND}    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2, steps: [25, 100], autoStart: true}
`;
const ABORT = { name: 'abort', route: 'shop', by: 'api', reason: 'bad', isFix: false } as const;

/** The part of a gateway that decides and keeps. */
class Rig {
  static readonly all: Rig[] = [];
  readonly log = new EventEmitter();
  /** What is saved beside budgets. */
  keepers: readonly Keeper[] = [];
  readonly #worker = new FakeWorker(0);
  readonly #dials = createDials();
  readonly #slos = new SloEngine();
  readonly #current: Current;
  readonly rollouts: Rollouts;
  readonly durable: Durable;
  readonly defects: Defects;
  /** Another process is taking over. */
  isHeld = false;

  constructor() {
    const note = (event: string, fields?: object): void => void this.log.emit(event, fields);
    const log = { info: note, warn: note, error: note } as unknown as Log;
    this.defects = new Defects({ log });
    const regions = [this.#worker.region];
    const store = new Store({ file: 'x', dials: this.#dials, wallTime: () => '', mayRecycle: () => false });
    this.durable = new Durable({
      log,
      slos: this.#slos,
      rollouts: () => this.rollouts,
      keepers: () => this.keepers,
      defects: this.defects,
      look: () => void this.#slos.turn(regions, bothClocks(), true),
      retryMs: 20,
    });
    this.rollouts = new Rollouts({
      regions: () => regions,
      dials: this.#dials,
      latencyDials: createLatencyDials(),
      store,
      slos: this.#slos,
      log,
      tapes: this.durable.keepSegment,
      explain: () => '',
      rates: () => null,
      started: () => undefined,
      isHeld: () => this.isHeld,
      defects: this.defects,
      decided: this.durable.decided,
    });
    const result = store.offer({ ok: true, config: configOf(TEXT), warnings: [] });
    assert.equal(result.kind, 'swapped');
    this.#current = result.current;
    Rig.all.push(this);
  }

  /** @param given what another one handed over @param asked and what it hands over when it is asked */
  async start(
    directory: string | null,
    given: PassedState | null = null,
    asked: () => PassedState | null = () => null,
  ): Promise<void> {
    const passed = await this.durable.open(directory, { state: given, ask: () => Promise.resolve(asked()) });
    this.rollouts.follow(this.#current);
    this.#slos.follow(objectivesOf(this.#current.config, this.#current.snapshot));
    this.durable.restore(passed);
    this.rollouts.turn(nowMs());
  }

  /** Counts requests of the stable version. */
  count(requests: number): void {
    this.#worker.add(this.#current.snapshot.routes[0]?.cell as number, CELL.finished, requests);
  }

  /** The canary's share, where its rollout stands, what its route counted. */
  look(): readonly unknown[] {
    const dial = this.#current.snapshot.routes[0]?.splits[1]?.dial as number;
    const [saved] = this.rollouts.save();
    const [slo] = this.#slos.status(bothClocks());
    return [getDial(this.#dials, dial), saved?.rollout.state.kind, slo?.events.good];
  }

  get kinds(): readonly string[] {
    return this.rollouts.decisions.map(({ kind }) => kind);
  }
}

/** A gateway whose canary was aborted, and three requests counted, after its disk had gone. */
async function abortedWithout(disk: Disk): Promise<Rig> {
  const rig = new Rig();
  const recorded = once(rig.log, 'decision_recorded');
  await rig.start(disk.path);
  rig.count(4);
  await recorded;
  assert.deepEqual([rig.look()[0], rig.kinds], [25_000, ['start']]);
  disk.takeAway();
  assert.equal(rig.rollouts.command(ABORT).kind, 'done');
  rig.count(3);
  return rig;
}

afterEach(async () => {
  await Promise.all(Rig.all.splice(0).map(({ durable }) => durable.close()));
});

describe('a part whose state cannot be had', () => {
  it('costs the others nothing of theirs', () =>
    inFolder(async (folder) => {
      const rig = new Rig();
      const odd = (): never => {
        throw new TypeError('odd');
      };
      rig.keepers = [{ save: odd, recall: () => false }];
      await rig.start(folder);
      rig.defects.begin();
      rig.count(4);
      await rig.durable.close();
      const { counts, kinds } = rig.defects.status;
      assert.equal(counts.state, 1);
      assert.match(kinds[0]?.kind ?? '', /^TypeError at durable\.long\.test\.ts:\d+:\d+$/);
      const last = new Rig();
      await last.start(folder);
      assert.deepEqual([last.look(), last.kinds], [[25_000, 'progressing', 4], ['start']]);
    }));

  it('costs no budget its past when the file can be read only late', (t) =>
    inFolder(async (folder) => {
      const disk = new Disk(folder);
      const first = new Rig();
      await first.start(disk.path);
      first.count(4);
      await first.durable.close();
      disk.takeAway();
      const rig = new Rig();
      await rig.start(disk.path);
      rig.count(3);
      rig.defects.begin();
      const odd = (): never => {
        throw new TypeError('odd');
      };
      t.mock.method(rig.rollouts, 'recall', odd);
      rig.keepers = [{ save: () => new Map(), recall: () => false, recalled: odd }];
      const recovered = once(rig.log, 'state_recovered');
      disk.bringBack();
      await recovered;
      await rig.durable.close();
      assert.equal(rig.defects.status.counts.state, 2);
      const last = new Rig();
      await last.start(disk.path);
      assert.equal(last.look()[2], 7);
    }));

  it('costs no decision its place in the log, also after a restart that failed for it', (t) =>
    inFolder(async (folder) => {
      const disk = new Disk(folder);
      const rig = await abortedWithout(disk);
      rig.defects.begin();
      const odd = t.mock.method(rig.rollouts, 'save', () => {
        throw new TypeError('odd');
      });
      const { passed } = await rig.durable.suspend(disk.path);
      assert.throws(passed, /odd/);
      await rig.durable.resume();
      odd.mock.restore();
      const recovered = once(rig.log, 'state_recovered');
      disk.bringBack();
      await recovered;
      await rig.durable.close();
      assert.deepEqual(disk.decisions(), ['start', 'rollback']);
    }));
});

describe('state that can be written again only after a restart', () => {
  it('does not overrule what a running gateway handed over: an aborted canary stays without traffic', () =>
    inFolder(async (folder) => {
      const disk = new Disk(folder);
      const before = await abortedWithout(disk);
      const given = (await before.durable.suspend(disk.path)).passed();
      const after = new Rig();
      await after.start(disk.path, joined(partsOf(given)));
      const aborted = [0, 'rolled-back', 7];
      assert.deepEqual(after.look(), aborted);
      const recovered = once(after.log, 'state_recovered');
      disk.bringBack();
      await recovered;
      after.rollouts.turn(nowMs());
      assert.deepEqual([after.look(), after.kinds], [aborted, ['start', 'rollback']]);
      await after.durable.close();
      assert.deepEqual(disk.decisions(), ['start', 'rollback']);
      const last = new Rig();
      await last.start(disk.path);
      assert.deepEqual([last.look(), last.kinds], [aborted, ['start', 'rollback']]);
      await last.durable.close();
    }));

  it('is asked for from a process that wrote it, and that is believed from then on', () =>
    inFolder(async (folder) => {
      const disk = new Disk(folder);
      const before = new Rig();
      await before.start(disk.path);
      before.count(4);
      before.rollouts.command(ABORT);
      const { isInDirectory, passed } = await before.durable.suspend(disk.path);
      assert.equal(isInDirectory, true);
      const aborted = [0, 'rolled-back', 4];
      disk.takeAway();
      const away = new Rig();
      await away.start(disk.path, null, passed);
      assert.deepEqual([away.look(), away.kinds], [aborted, ['start', 'rollback']]);
      const recovered = once(away.log, 'state_recovered');
      disk.bringBack();
      await recovered;
      assert.deepEqual([away.look(), away.kinds], [aborted, ['start', 'rollback']]);
      await away.durable.close();
      assert.deepEqual(disk.decisions(), ['start', 'rollback']);
      writeFileSync(join(disk.path, 'sluice.db'), 'x'.repeat(8192));
      const damaged = new Rig();
      await damaged.start(disk.path, null, passed);
      assert.deepEqual([damaged.look(), damaged.kinds], [aborted, ['start', 'rollback']]);
      await damaged.durable.close();
      const last = new Rig();
      await last.start(disk.path, null, () => assert.fail('everything is there'));
      assert.deepEqual(last.look(), aborted);
    }));

  it('does not overrule the process that goes on because its successor failed', () =>
    inFolder(async (folder) => {
      const disk = new Disk(folder);
      const rig = await abortedWithout(disk);
      assert.equal((await rig.durable.suspend(disk.path)).isInDirectory, false);
      await rig.durable.resume();
      const recovered = once(rig.log, 'state_recovered');
      disk.bringBack();
      await recovered;
      rig.rollouts.turn(nowMs());
      const aborted = [0, 'rolled-back', 7];
      assert.deepEqual([rig.look(), rig.kinds], [aborted, ['start', 'rollback']]);
      await rig.durable.close();
      assert.deepEqual(disk.decisions(), ['start', 'rollback']);
    }));

  it('is added to what was handed over by a process that never read it', () =>
    inFolder(async (folder) => {
      const disk = new Disk(folder);
      const first = new Rig();
      await first.start(disk.path);
      first.count(4);
      first.rollouts.command(ABORT);
      await first.durable.close();
      disk.takeAway();
      const before = new Rig();
      await before.start(disk.path);
      before.count(3);
      assert.deepEqual(before.kinds, ['start']);
      const given = (await before.durable.suspend(disk.path)).passed();
      const after = new Rig();
      await after.start(disk.path, joined(partsOf(given)));
      after.count(2);
      const recovered = once(after.log, 'state_recovered');
      disk.bringBack();
      await recovered;
      after.rollouts.turn(nowMs());
      await after.durable.close();
      assert.deepEqual(after.look(), [0, 'rolled-back', 9]);
      assert.deepEqual(after.kinds.slice(0, 3), ['start', 'rollback', 'start']);
    }));

  it('is added to what was counted when it was never read, also after a restart that failed', () =>
    inFolder(async (folder) => {
      const disk = new Disk(folder);
      const first = new Rig();
      await first.start(disk.path);
      first.count(4);
      first.rollouts.command(ABORT);
      await first.durable.close();
      disk.takeAway();
      const rig = new Rig();
      await rig.start(disk.path);
      rig.count(3);
      assert.equal((await rig.durable.suspend(disk.path)).isInDirectory, false);
      disk.bringBack();
      await rig.durable.resume();
      rig.rollouts.turn(nowMs());
      assert.deepEqual(rig.look(), [0, 'rolled-back', 7]);
      await rig.durable.close();
    }));
});

it('while another process takes over nobody decides anything, whatever waited until then', async () => {
  const rig = new Rig();
  await rig.start(null);
  rig.isHeld = true;
  assert.deepEqual(rig.rollouts.command(ABORT), { kind: 'refused', detail: 'a restart is under way; try again' });
  assert.deepEqual(rig.kinds, ['start']);
  rig.isHeld = false;
  assert.equal(rig.rollouts.command(ABORT).kind, 'done');
});

describe('a log that is in memory only', () => {
  /** What somebody finds who verifies an export. */
  function verified(rig: Rig, folder: string) {
    const path = join(folder, 'export.jsonl');
    writeFileSync(path, rig.durable.exported(rig.rollouts.decisions) ?? '');
    const lines = [...readLog(path)].filter((line) => line.kind !== 'segment' || line.watch !== OTHER);
    const { ok, damages, decisions } = audit(lines);
    return { ok, damages, results: decisions.map(({ result }) => result) };
  }
  const OTHER = 'of another rollout';

  async function aborted(): Promise<Rig> {
    const rig = new Rig();
    await rig.start(null);
    rig.rollouts.command(ABORT);
    return rig;
  }

  it('has the evidence of its decisions, until that had to make room, which is no fault of theirs', () =>
    inFolder(async (folder) => {
      const rig = await aborted();
      assert.deepEqual(verified(rig, folder), { ok: true, damages: [], results: ['verified', 'verified'] });
      const part = { watch: OTHER, route: 'shop', at: '', previous: '', hash: '' };
      for (let number = 1; number <= 5; number++) {
        rig.durable.keepSegment({ ...part, number, bytes: new Uint8Array(REEL_BYTES_MAX / 4) });
      }
      assert.deepEqual(verified(rig, folder), { ok: true, damages: [], results: ['unfounded', 'unfounded'] });
    }));

  it('has decisions of the process before, and says that their tapes stayed there', () =>
    inFolder(async (folder) => {
      const before = await aborted();
      const given = (await before.durable.suspend(null)).passed();
      const after = new Rig();
      await after.start(null, joined(partsOf(given)));
      assert.deepEqual(verified(after, folder), { ok: true, damages: [], results: ['unfounded', 'unfounded'] });
    }));

  it('is refuted when a tape was taken out of it', () =>
    inFolder(async (folder) => {
      const rig = await aborted();
      const path = join(folder, 'export.jsonl');
      writeFileSync(path, rig.durable.exported(rig.rollouts.decisions) ?? '');
      const { ok, decisions } = audit([...readLog(path)].filter(({ kind }) => kind !== 'segment'));
      assert.equal(ok, false);
      assert.deepEqual(
        decisions.map(({ result }) => result),
        ['refuted', 'refuted'],
      );
    }));
});
