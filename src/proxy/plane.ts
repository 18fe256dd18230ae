/**
 * The data plane of one thread: a listener and the table it obeys.
 *
 * Used by `worker.ts` for each data-plane thread, and by tests that want a gateway without threads.
 */

import { beginTurn, bothClocks, httpDate, nowMs } from '../lib/clock.ts';
import { Deadlines, SWEEP_MS } from '../lib/deadlines.ts';
import { Random } from '../lib/random.ts';
import { versionCells } from '../model/overload.ts';
import type { Snapshot, SnapshotChange } from '../model/snapshot.ts';
import { EVENTS_HEAD, type TalliesBuffers, viewTallies } from '../model/tallies.ts';
import type { AccessBatch } from '../model/threads/access.ts';
import type { ColorKeys } from '../model/threads/color.ts';
import { AccessLog } from './access-log.ts';
import { Admissions } from './decide/admission/admissions.ts';
import { Breakers } from './decide/breaker/breakers.ts';
import { Signatures } from './decide/color/signatures.ts';
import { Tokens } from './decide/color/tokens.ts';
import { Rates } from './decide/rate/rates.ts';
import { changedSnapshot } from './decide/replica.ts';
import { linkTable, type RouteTable } from './decide/table.ts';
import type { Endpoint } from './forward/endpoint.ts';
import { Endpoints } from './forward/endpoints.ts';
import { Mirrors } from './forward/mirror.ts';
import { RetryBudget } from './forward/retry/retry.ts';
import { DateLine } from './header/date.ts';
import { FreshLines } from './header/fresh.ts';
import { RequestDraft } from './header/request.ts';
import { readMemory } from './http1/fields/scanner.ts';
import { RelayPool } from './http1/relay.ts';
import type { Lane } from './lane.ts';
import { Listener } from './listener.ts';
import { Recorder } from './recorder.ts';
import { Upgrades } from './upgrade/upgrades.ts';
import { Resolver } from './wire/resolver.ts';

export interface PlaneSetup {
  readonly seed: number;
  readonly dials: SharedArrayBuffer;
  readonly endpointDials: SharedArrayBuffer;
  readonly latencyDials: SharedArrayBuffer;
  readonly rates: SharedArrayBuffer;
  readonly tallies: TalliesBuffers;
  readonly snapshot: Snapshot;
  /** Takes batches of the access log, each to be answered with `accessLog.taken`; without it none is kept. */
  readonly writeAccess?: (batch: AccessBatch) => void;
  /** Told when a token names a key that is not known: `learn` others. */
  readonly wantKeys?: () => void;
}

export class Plane {
  readonly listener: Listener;
  readonly accessLog: AccessLog;
  readonly #lane: Lane;
  readonly #endpoints = new Endpoints();
  readonly #capacities: Int32Array;
  readonly #breakers: Breakers;
  readonly #sweep: NodeJS.Timeout;
  #snapshot: Snapshot | null = null;

  constructor(setup: PlaneSetup) {
    const random = new Random(setup.seed);
    const tallies = viewTallies(setup.tallies);
    this.accessLog = new AccessLog(setup.seed, setup.writeAccess ?? (() => this.accessLog.taken()));
    this.#capacities = new Int32Array(setup.endpointDials);
    this.#breakers = new Breakers(tallies.cells);
    this.#lane = {
      table: null as unknown as RouteTable,
      dials: new Int32Array(setup.dials),
      recorder: new Recorder(tallies, this.accessLog, new Float64Array(setup.latencyDials)),
      accessLog: this.accessLog,
      random,
      fresh: new FreshLines(random),
      date: new DateLine(httpDate),
      retryBudget: new RetryBudget(nowMs()),
      mirrors: new Mirrors(),
      admissions: new Admissions(tallies.cells),
      rates: new Rates(setup.rates),
      signatures: new Signatures(),
      tokens: new Tokens({
        count: (result) => this.#lane.recorder.tokenRead(result),
        wantKeys: setup.wantKeys ?? (() => undefined),
        nowMs,
        wallMs: () => bothClocks().wallMs,
      }),
      deadlines: new Deadlines(),
      draft: new RequestDraft(),
      readBuffer: readMemory,
      relays: new RelayPool(),
      resolver: new Resolver(),
      upgrades: null as unknown as Upgrades,
      isDraining: false,
    };
    this.#lane.upgrades = new Upgrades(this.#lane);
    this.listener = new Listener(this.#lane);
    this.swap(setup.snapshot);
    this.#sweep = setInterval(() => this.#turn(tallies.events), SWEEP_MS);
  }

  /** Links a snapshot and obeys it from the next request on. Returns its revision. */
  swap(snapshot: Snapshot): number {
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const endpoints = this.#endpoints.update(snapshot.endpoints, this.#lane);
    const endpointOf = (index: number) => endpoints[index] as Endpoint;
    const balance = { capacities: this.#capacities, random: this.#lane.random };
    const cells = versionCells(snapshot.routes);
    const versions = {
      admissions: this.#lane.admissions.link(cells, nowMs()),
      breakers: this.#breakers.link(cells),
    };
    this.#lane.table = linkTable(snapshot, endpointOf, balance, { versions, before: this.#lane.table });
    if (snapshot.endpoints !== before?.endpoints) this.#lane.resolver.retain(hostsOf(snapshot));
    this.#lane.mirrors.forget();
    this.#lane.signatures.configure(snapshot.color.signature);
    this.#lane.tokens.configure(snapshot.color.jwt);
    this.listener.trust(snapshot.trustedProxies);
    this.accessLog.configure(snapshot.accessLog.sampleRatio);
    return snapshot.revision;
  }

  /** Believes colors by these keys from the next request on. */
  learn({ secrets, keySet }: ColorKeys): void {
    this.#lane.signatures.learn(secrets);
    this.#lane.tokens.learn(keySet);
  }

  /** Makes the next snapshot of the one it obeys, and links it. Returns its revision; null: the change is for another one. */
  change(change: SnapshotChange): number | null {
    const snapshot = this.#snapshot === null ? null : changedSnapshot(this.#snapshot, change);
    return snapshot === null ? null : this.swap(snapshot);
  }

  /** From now on every response closes its connection; new connections are still served. */
  lameDuck(): void {
    this.#lane.isDraining = true;
  }

  /** The same, and new connections are another process's, which accepts from the same sockets. */
  leave(): void {
    this.listener.leave();
  }

  /** Finishes what is under way, then lets go of everything. */
  async drain(): Promise<void> {
    await Promise.all([this.listener.drain(), this.#lane.upgrades.drain()]);
    // The last connection may have gone over to the other lane.
    await this.#lane.upgrades.drain();
    this.#release();
  }

  /** Ends everything now. */
  destroy(): void {
    this.listener.destroy();
    this.#lane.upgrades.destroy();
    this.#release();
  }

  /** Also the thread's sign of life. */
  #turn(events: Int32Array): void {
    const turnedAtMs = beginTurn();
    this.#lane.deadlines.sweep(turnedAtMs);
    this.#lane.recorder.sweep(turnedAtMs);
    this.#lane.admissions.tick(turnedAtMs);
    this.#breakers.tick();
    this.#lane.tokens.sweep(turnedAtMs);
    this.accessLog.flush();
    Atomics.add(events, EVENTS_HEAD.beats, 1);
  }

  #release(): void {
    clearInterval(this.#sweep);
    this.accessLog.close();
    this.#lane.mirrors.close();
    this.#endpoints.retireAll();
  }
}

function hostsOf({ endpoints }: Snapshot): ReadonlySet<string> {
  return new Set(endpoints.flatMap((spec) => (spec === null ? [] : [spec.host])));
}
