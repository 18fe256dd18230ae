/**
 * The data-plane threads as the control plane sees them: started, given snapshots, replaced when they die, drained.
 *
 * A worker that dies is replaced with a fresh region of tallies; its connections are lost, everybody else's go on. A
 * worker that dies again and again comes back ever more slowly, at most every `RESTART_MS_MAX`; one that served for
 * `STABLE_MS` is forgiven what was before. A worker that hangs, its event loop not turning for `hungMs` while this
 * thread's did, is ended and replaced like one that died; not while a debugger may hold it.
 */

import { randomInt } from 'node:crypto';
import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { nowMs } from '../../lib/clock.ts';
import { DescriptorWatch } from '../../lib/descriptors.ts';
import { StallWatch } from '../../lib/stall.ts';
import { ratesForgotten, reserveRates } from '../../model/overload.ts';
import { SluiceError } from '../../model/problem.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { WorkerStatus } from '../../model/status.ts';
import {
  CELL,
  CELL_WORDS,
  ENDPOINT,
  ENDPOINT_WORDS,
  EVENTS_HEAD,
  reserveTallies,
  type Tallies,
  viewTallies,
} from '../../model/tallies.ts';
import type { AccessBatch } from '../../model/threads/access.ts';
import type { ColorKeys } from '../../model/threads/color.ts';
import type { FromWorker, ToWorker, WorkerSetup } from '../../model/threads/messages.ts';
import { changeOf } from '../decide/replica.ts';
import { listenError } from '../wire/port.ts';
import { failSlot, RESTART_MS_MAX, restartDelayMs, type Slot, slotOf } from './slot.ts';

/** A worker that served so long was well: its next death is a new story. */
const STABLE_MS = 60_000;
/** A sign of life is due every 50 ms; garbage collection and a debugger's snapshot may take seconds. */
const HUNG_MS = 10_000;
/** Looks at a worker within `hungMs`. */
const LOOKS = 10;

export interface WorkersOptions {
  /** The file that runs in each thread. */
  readonly file: URL;
  readonly count: number;
  readonly host: string;
  readonly port: number;
  /** Whether several sockets may have the port, of these workers and of later ones. Default: where there are several. */
  readonly reusePort?: boolean;
  /** Listening sockets that exist already, for the life of a worker that begins now; none: it opens one. */
  sockets?(id: number): Promise<readonly number[]>;
  readonly dials: SharedArrayBuffer;
  readonly endpointDials: SharedArrayBuffer;
  readonly latencyDials: SharedArrayBuffer;
  readonly snapshot: Snapshot;
  /** A worker died and will be replaced. */
  died(id: number, cause: string): void;
  /** Takes a batch of a worker's access log. */
  access?(batch: AccessBatch): void;
  /** A token of some request names a key that is not known. */
  keyUnknown?(): void;
  /** No descriptor is left: connections are accepted and closed without a word, or not opened. Said now and then. */
  exhausted?(code: string): void;
  /** How long a worker's event loop may stand still. Default `HUNG_MS`. */
  readonly hungMs?: number;
}

/** Tallies of one worker's life; a successor has a new id. */
export interface Region {
  readonly id: number;
  readonly tallies: Tallies;
}

/** All data-plane threads. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #slots: Slot[] = [];
  #regions: readonly Region[] = [];
  #lives = 0;
  #snapshot: Snapshot;
  #port: number;
  #isStopping = false;
  /** What every worker was told and each that comes is told too, the last of each kind. */
  readonly #standing = new Map<ToWorker['kind'], ToWorker>();
  /** What rate limits have counted outlives the workers that counted it. */
  readonly #rates = reserveRates();
  #acknowledged: (() => void) | null = null;
  readonly #stalls: StallWatch;
  readonly #descriptors = new DescriptorWatch();
  readonly #looking: NodeJS.Timeout;

  constructor(options: WorkersOptions) {
    this.#options = options;
    const hungMs = options.hungMs ?? HUNG_MS;
    this.#stalls = new StallWatch(hungMs / LOOKS, LOOKS);
    this.#looking = setInterval(() => this.#look(), hungMs / LOOKS).unref();
    this.#snapshot = options.snapshot;
    this.#port = options.port;
  }

  /** Starts every worker so far that `start` only has to make them listen. @throws SluiceError SLU_WORKER_FAILED */
  async prepare(): Promise<void> {
    for (let id = 0; id < this.#options.count; id++) await this.#launch(id, true);
    await Promise.all(this.#slots.map(({ ready }) => ready.promise));
  }

  /**
   * Has every worker listen, the first one alone: it may choose the port for all.
   * @returns the port.
   * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED, SLU_WORKER_FAILED.
   */
  async start(): Promise<number> {
    this.#port = await this.#listen(0);
    const others = Array.from({ length: this.#options.count - 1 }, (_, i) => this.#listen(i + 1));
    await Promise.all(others);
    return this.#port;
  }

  /** Every listening socket, by descriptor; null while a worker is being replaced. */
  sockets(): readonly number[] | null {
    const isWhole = this.#slots.every(({ state, fds }) => state === 'serving' && fds.length > 0);
    return isWhole ? this.#slots.flatMap(({ fds }) => fds) : null;
  }

  /** Sends a snapshot to all workers; resolves when all that live have linked it. */
  swap(snapshot: Snapshot): Promise<void> {
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const change = changeOf(before, snapshot);
    for (const slot of this.#slots) {
      if (slot.sent !== before.revision) this.#sendWhole(slot);
      else this.#say(slot, { kind: 'change', change });
      slot.sent = snapshot.revision;
    }
    if (this.#isLinked()) return Promise.resolve();
    return new Promise((resolve) => {
      // A swap that is overtaken by the next one resolves with it.
      const earlier = this.#acknowledged;
      this.#acknowledged = () => {
        earlier?.();
        resolve();
      };
    });
  }

  /** Has the access log write more of some versions, by cell, in every worker that lives or comes. */
  logMore(shares: ReadonlyMap<number, number>): void {
    this.#tellAll({ kind: 'access-more', shares });
  }

  /** Has every worker that lives or comes believe colors by these keys. */
  learn(keys: ColorKeys): void {
    this.#tellAll({ kind: 'color-keys', keys });
  }

  #tellAll(message: ToWorker): void {
    this.#standing.set(message.kind, message);
    for (const slot of this.#slots) this.#say(slot, message);
  }

  /** Tallies of the workers that live now; a replaced worker's are gone. The same array while nothing changes. */
  regions(): readonly Region[] {
    return this.#regions;
  }

  /** Keys that rate limits gave up as there was no room for them. */
  ratesForgotten(): number {
    return ratesForgotten(this.#rates);
  }

  /** An id may go to another name once no worker knows the old one and nothing is under way for it. */
  isUnused({
    table,
    id,
    absentSince,
  }: {
    readonly table: string;
    readonly id: number;
    readonly absentSince: number;
  }): boolean {
    if (!this.#slots.every(({ revision }) => revision >= absentSince)) return false;
    if (table === 'units') return true;
    return this.#regions.every(({ tallies }) =>
      table === 'cells'
        ? tallies.cells[id * CELL_WORDS + CELL.inFlight] === 0 && tallies.cells[id * CELL_WORDS + CELL.sessions] === 0
        : tallies.endpoints[id * ENDPOINT_WORDS + ENDPOINT.inFlight] === 0,
    );
  }

  status(): WorkerStatus[] {
    return this.#slots.map(({ id, state, revision, restarts }) => ({ id, state, revision, restarts }));
  }

  /** Asks clients to leave, while everybody is still served. A worker that is replaced meanwhile starts afresh. */
  lameDuck(): void {
    for (const slot of this.#slots) this.#say(slot, { kind: 'lame-duck' });
  }

  /** Stops accepting for good, as another process accepts from the same sockets; answers close their connections. */
  leave(): void {
    this.#isStopping = true;
    for (const slot of this.#slots) this.#say(slot, { kind: 'leave' });
  }

  /** Stops accepting; resolves when every exchange is over. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#slots.map((slot) => this.#drainOne(slot)));
  }

  /** Ends all workers now. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#looking);
    await Promise.all(this.#slots.map((slot) => slot.worker.terminate()));
  }

  #isLinked(): boolean {
    const revision = this.#snapshot.revision;
    return this.#slots.every((slot) => slot.state !== 'serving' || slot.revision >= revision);
  }

  #sendWhole(slot: Slot): void {
    this.#say(slot, { kind: 'snapshot', snapshot: this.#snapshot });
    slot.sent = this.#snapshot.revision;
  }

  #say(slot: Slot, message: ToWorker): void {
    slot.worker.postMessage(message);
  }

  #drainOne(slot: Slot): Promise<void> {
    if (slot.state === 'gone') return Promise.resolve();
    slot.state = 'draining';
    const gone = new Promise<void>((resolve) => slot.worker.once('exit', () => resolve()));
    this.#say(slot, { kind: 'drain' });
    return gone;
  }

  /** Has a prepared worker listen, or starts one; resolves with its port. */
  async #listen(id: number): Promise<number> {
    const prepared = this.#slots[id];
    if (prepared === undefined || prepared.state === 'gone') return (await this.#launch(id, false)).listening.promise;
    this.#say(prepared, { kind: 'listen', port: this.#port });
    return prepared.listening.promise;
  }

  /** Begins a worker's life. */
  async #launch(id: number, waits: boolean): Promise<Slot> {
    const fds = (await this.#options.sockets?.(id)) ?? [];
    if (this.#isStopping) throw new SluiceError('SLU_WORKER_FAILED', `worker ${id} was ended before it began`);
    const buffers = reserveTallies();
    const setup: WorkerSetup = {
      id,
      host: this.#options.host,
      port: this.#port,
      reusePort: this.#options.reusePort ?? this.#options.count > 1,
      // Another one in every life, or a successor would repeat its predecessor's request ids.
      seed: randomInt(2 ** 31),
      dials: this.#options.dials,
      endpointDials: this.#options.endpointDials,
      latencyDials: this.#options.latencyDials,
      rates: this.#rates,
      tallies: buffers,
      snapshot: this.#snapshot,
      fds,
      waits,
    };
    const worker = new Worker(this.#options.file, { workerData: setup, name: `sluice-worker-${id}` });
    for (const message of this.#standing.values()) worker.postMessage(message);
    const slot = slotOf({ id, worker, sent: setup.snapshot.revision }, this.#slots[id]);
    this.#slots[id] = slot;
    this.#addRegion(id, viewTallies(buffers));
    worker.on('error', (error) => {
      slot.cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    worker.once('exit', () => {
      failSlot(slot, new SluiceError('SLU_WORKER_FAILED', `worker ${id} ended before it listened: ${slot.cause}`));
      this.#exited(slot);
    });
    worker.on('message', (message: FromWorker) => this.#heard(slot, message));
    return slot;
  }

  #addRegion(slot: number, tallies: Tallies): void {
    const regions = [...this.#regions];
    regions[slot] = { id: this.#lives++, tallies };
    this.#regions = regions;
  }

  #heard(slot: Slot, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        slot.ready.resolve();
        break;
      case 'listening':
        slot.state = 'serving';
        slot.servingSinceMs = nowMs();
        slot.fds = message.fds;
        slot.listening.resolve(message.port);
        break;
      case 'linked':
        // What it says when it listens is of its start: it may have linked a newer one meanwhile.
        slot.revision = Math.max(slot.revision, message.revision);
        break;
      case 'missed':
        this.#sendWhole(slot);
        break;
      case 'access':
        this.#options.access?.(message.batch);
        this.#say(slot, { kind: 'access-taken' });
        break;
      case 'key-unknown':
        this.#options.keyUnknown?.();
        break;
      case 'drained':
        break;
      case 'failed':
        slot.state = 'gone';
        failSlot(slot, listenError(this.#options.host, this.#port, message));
        break;
      default:
        message satisfies never;
    }
    if (this.#acknowledged !== null && this.#isLinked()) {
      const acknowledged = this.#acknowledged;
      this.#acknowledged = null;
      acknowledged();
    }
  }

  #exited(slot: Slot): void {
    const hadStarted = slot.state === 'serving';
    slot.state = 'gone';
    if (this.#isStopping || !hadStarted) return;
    this.#options.died(slot.id, slot.cause);
    slot.earlyDeaths = nowMs() - slot.servingSinceMs >= STABLE_MS ? 0 : slot.earlyDeaths + 1;
    setTimeout(() => this.#respawn(slot.id), restartDelayMs(slot.earlyDeaths)).unref();
  }

  /** Looks after what the workers cannot tell. Ends those whose event loop stands still; a draining one too, or the drain would wait for it in vain. */
  #look(): void {
    const isDebugged = inspectorUrl() !== undefined;
    const beats = this.#slots.map(({ id, state }) => {
      if (isDebugged || (state !== 'serving' && state !== 'draining')) return null;
      const { tallies, id: life } = this.#regions[id] as Region;
      return { life, count: Atomics.load(tallies.events, EVENTS_HEAD.beats) };
    });
    for (const id of this.#stalls.look(nowMs(), beats)) {
      const slot = this.#slots[id] as Slot;
      slot.cause = `hung: its event loop stood still for ${this.#options.hungMs ?? HUNG_MS} ms`;
      void slot.worker.terminate();
    }
    const code = this.#descriptors.look(nowMs());
    if (code !== '') this.#options.exhausted?.(code);
  }

  #respawn(id: number): void {
    if (this.#isStopping) return;
    // One that ends before it listens was not serving, so that `#exited` leaves it to us.
    this.#launch(id, false)
      .then(({ listening }) => listening.promise)
      .catch((error: unknown) => {
        this.#options.died(id, String(error));
        setTimeout(() => this.#respawn(id), RESTART_MS_MAX).unref();
      });
  }
}
