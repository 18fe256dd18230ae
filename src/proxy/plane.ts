/**
 * The data plane of one thread: a listener and the table it obeys.
 *
 * Used by `worker.ts` for each data-plane thread, and by tests that want a gateway without threads.
 */

import { beginTurn, bothClocks, httpDate, nowMs } from '../lib/clock.ts';
import { Deadlines, SWEEP_MS } from '../lib/deadlines.ts';
import { Random } from '../lib/random.ts';
import { versionCells } from '../model/overload.ts';
import { REASON } from '../model/reason.ts';
import type { Snapshot, SnapshotChange } from '../model/snapshot.ts';
import { CELL, type TalliesBuffers, viewTallies } from '../model/tallies.ts';
import type { ColorKeys } from '../model/threads/color.ts';
import type { ActiveFaults } from '../model/threads/faults.ts';
import { reserveDownstream } from '../model/threads/load/downstream.ts';
import type { PoolSetup } from '../model/threads/load/pool.ts';
import type { AccessBatch } from '../model/threads/requests/access.ts';
import type { ComparedBatch } from '../model/threads/requests/compared.ts';
import type { Tap } from '../model/threads/requests/tap.ts';
import { NO_TLS, type TlsMaterial } from '../model/threads/tls.ts';
import { Admissions } from './decide/admission/admissions.ts';
import { Pool } from './decide/admission/pool.ts';
import { Shedder } from './decide/admission/shedder.ts';
import { Breakers } from './decide/breaker/breakers.ts';
import { Downstream } from './decide/color/downstream.ts';
import { Signatures } from './decide/color/signatures.ts';
import { Tokens } from './decide/color/tokens.ts';
import { changedSnapshot } from './decide/link/replica.ts';
import { Rates } from './decide/rate/rates.ts';
import { linkTable, type RouteTable } from './decide/table.ts';
import type { Endpoint } from './forward/endpoint.ts';
import { Endpoints } from './forward/endpoints.ts';
import { abandon } from './forward/forwarder.ts';
import { Comparisons } from './forward/mirror/comparison.ts';
import { Mirrors } from './forward/mirror/mirror.ts';
import { StaleCache } from './forward/retry/fallback/stale.ts';
import { type BrokerPort, IdempotencyLink } from './forward/retry/idempotency/link.ts';
import { RetryBudget } from './forward/retry/retry.ts';
import { DateLine } from './header/date.ts';
import { FreshLines } from './header/fresh.ts';
import { RequestDraft } from './header/request.ts';
import { RelayPool } from './http1/relay.ts';
import type { Lane } from './lane.ts';
import { Listener } from './listener.ts';
import { AccessLog } from './record/access-log.ts';
import { Recorder } from './record/recorder.ts';
import { Streams } from './record/streams.ts';
import { Taps } from './record/tap.ts';
import { Tracer } from './record/trace/tracer.ts';
import { Gauges } from './threads/gauges.ts';
import { Upgrades } from './upgrade/upgrades.ts';
import { readMemory } from './wire/memory/memory.ts';
import { Resolver } from './wire/resolver.ts';
import { Credentials } from './wire/tls/credentials.ts';

export interface PlaneSetup {
  readonly seed: number;
  readonly dials: SharedArrayBuffer;
  readonly endpointDials: SharedArrayBuffer;
  readonly latencyDials: SharedArrayBuffer;
  readonly rates: SharedArrayBuffer;
  readonly pressure: SharedArrayBuffer;
  readonly standings: SharedArrayBuffer;
  readonly tallies: TalliesBuffers;
  readonly snapshot: Snapshot;
  /** What all workers remember of colored traces (`model/threads/load/downstream.ts`); default: its own. */
  readonly downstream?: SharedArrayBuffer;
  /** Where it shares the limits of versions with other workers (`model/threads/load/pool.ts`); default: there are none. */
  readonly pool?: PoolSetup | null;
  /** Default: nothing speaks TLS. */
  readonly tls?: TlsMaterial;
  /** Takes batches of the access log, each to be answered with `accessLog.taken`; without it none is kept. */
  readonly writeAccess?: (batch: AccessBatch) => void;
  /** Takes answers that are to be compared, each batch to be answered with `compared`; without it they are forgotten. */
  readonly writeCompared?: (batch: ComparedBatch) => void;
  /** Told when a token names a key that is not known: `learn` others. */
  readonly wantKeys?: () => void;
}

export class Plane {
  readonly listener: Listener;
  readonly accessLog: AccessLog;
  readonly tracer: Tracer;
  readonly #lane: Lane;
  readonly #endpoints = new Endpoints();
  readonly #taps = new Taps();
  readonly #capacities: Int32Array;
  readonly #breakers: Breakers;
  readonly #gauges: Gauges;
  readonly #sweep: NodeJS.Timeout;
  #snapshot: Snapshot | null = null;

  constructor(setup: PlaneSetup) {
    const random = new Random(setup.seed);
    const tallies = viewTallies(setup.tallies);
    this.accessLog = new AccessLog(setup.seed, setup.writeAccess ?? (() => this.accessLog.taken()));
    this.tracer = new Tracer(setup.seed);
    this.#capacities = new Int32Array(setup.endpointDials);
    this.#breakers = new Breakers(tallies.cells);
    this.#gauges = new Gauges(tallies.events);
    this.#lane = {
      table: null as unknown as RouteTable,
      dials: new Int32Array(setup.dials),
      recorder: new Recorder(tallies, this.accessLog, new Float64Array(setup.latencyDials)),
      accessLog: this.accessLog,
      tracer: null,
      faults: new Map(),
      random,
      fresh: new FreshLines(random),
      date: new DateLine(httpDate),
      retryBudget: new RetryBudget(nowMs()),
      mirrors: new Mirrors(new Comparisons(setup.writeCompared ?? (() => this.compared()))),
      stale: new StaleCache(),
      idempotency: new IdempotencyLink(),
      admissions: new Admissions(tallies.cells, new Uint8Array(setup.standings), poolOf(setup.pool)),
      shedder: new Shedder(setup.pressure),
      rates: new Rates(setup.rates),
      signatures: new Signatures(),
      downstream: new Downstream(setup.downstream ?? reserveDownstream()),
      tokens: new Tokens({
        count: (result) => this.#lane.recorder.countedHere(CELL.tokens + result),
        wantKeys: setup.wantKeys ?? (() => undefined),
        nowMs,
        wallMs: () => bothClocks().wallMs,
      }),
      deadlines: new Deadlines(),
      draft: new RequestDraft(),
      readBuffer: readMemory,
      relays: new RelayPool(),
      resolver: new Resolver(),
      credentials: new Credentials(),
      streams: null as unknown as Streams,
      upgrades: null as unknown as Upgrades,
      isDraining: false,
    };
    this.#lane.streams = new Streams(this.#lane);
    this.#lane.upgrades = new Upgrades(this.#lane);
    this.listener = new Listener(this.#lane);
    this.secure(setup.tls ?? NO_TLS);
    this.swap(setup.snapshot);
    this.#sweep = setInterval(() => this.#turn(), SWEEP_MS);
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
    this.#lane.mirrors.comparisons.configure(snapshot.limits.compareBytesMax);
    this.#lane.stale.configure(snapshot.limits.staleBytesMax);
    this.#lane.signatures.configure(snapshot.color.signature);
    this.#lane.tokens.configure(snapshot.color.jwt);
    this.listener.trust(snapshot.trustedProxies);
    this.listener.asksLocal = snapshot.endpoints.some((spec) => spec?.proxyProtocol !== undefined);
    this.accessLog.configure(snapshot.accessLog.sampleRatio);
    if (snapshot.tracing !== undefined) this.tracer.configure(snapshot.tracing);
    this.#lane.tracer = snapshot.tracing === undefined ? null : this.tracer;
    return snapshot.revision;
  }

  /** Speaks TLS with this from the next connection on. */
  secure(tls: TlsMaterial): void {
    this.#lane.credentials.learn(tls.upstreams);
    this.listener.secure(tls);
  }

  /** Believes colors by these keys from the next request on. */
  learn({ secrets, keySet }: ColorKeys): void {
    this.#lane.signatures.learn(secrets);
    this.#lane.tokens.learn(keySet);
  }

  /** Injects these faults and no others, from the next request on. */
  inject(faults: ActiveFaults): void {
    this.#lane.faults = faults;
  }

  /** Shows requests to these and no others, from the next one that ends on. */
  tap(taps: readonly Tap[]): void {
    this.#taps.configure(taps);
    this.accessLog.show(taps.length === 0 ? null : this.#taps);
  }

  /** Looks up idempotency keys over this port from now on. */
  join(broker: BrokerPort): void {
    this.#lane.idempotency.connect(broker);
  }

  /** Makes the next snapshot of the one it obeys, and links it. Returns its revision; null: the change is for another one. */
  change(change: SnapshotChange): number | null {
    const snapshot = this.#snapshot === null ? null : changedSnapshot(this.#snapshot, change);
    return snapshot === null ? null : this.swap(snapshot);
  }

  /** What is kept of answers for fallbacks, in bytes. */
  get staleBytes(): number {
    return this.#lane.stale.bytes;
  }

  /** The answers of the last batch have been compared. */
  compared(): void {
    this.#lane.mirrors.comparisons.taken();
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
    this.#lane.streams.drain();
    await Promise.all([this.listener.drain(), this.#lane.upgrades.drain()]);
    // The last connection may have gone over to the other lane.
    await Promise.all([this.#lane.upgrades.drain(), this.#lane.idempotency.noneAbsent()]);
    this.#release();
  }

  /** Ends everything now. */
  destroy(): void {
    this.listener.destroy();
    this.#lane.upgrades.destroy();
    this.#release();
  }

  /** Also the thread's sign of life. */
  #turn(): void {
    const turnedAtMs = beginTurn();
    const { deadlines, recorder, admissions, shedder, upgrades, retryBudget } = this.#lane;
    const isInTime = deadlines.sweep(turnedAtMs);
    recorder.sweep(turnedAtMs);
    retryBudget.turn(turnedAtMs);
    admissions.tick(turnedAtMs);
    shedder.tick(turnedAtMs);
    if (shedder.closesIdle) this.listener.closeIdle(turnedAtMs);
    this.#breakers.tick();
    this.#lane.recorder.staleIs(this.#lane.stale.bytes);
    if (isInTime) this.#lane.tokens.sweep(turnedAtMs);
    this.accessLog.turn();
    this.tracer.flush();
    this.#lane.mirrors.comparisons.flush();
    this.#gauges.turn(turnedAtMs, this.listener.connections + upgrades.connections, recorder.requests);
  }

  #release(): void {
    clearInterval(this.#sweep);
    for (const x of [...this.#lane.idempotency.absent]) abandon(x, REASON.clientClosed, 'the gateway ended');
    this.#lane.idempotency.close();
    this.#lane.mirrors.close();
    this.#endpoints.retireAll();
    // Nothing is told behind them.
    this.accessLog.close();
    this.tracer.close();
  }
}

function poolOf(setup: PoolSetup | null = null): Pool | null {
  return setup === null ? null : new Pool(setup);
}

function hostsOf({ endpoints }: Snapshot): ReadonlySet<string> {
  return new Set(endpoints.flatMap((spec) => (spec === null ? [] : [spec.host])));
}
