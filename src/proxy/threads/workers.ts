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
import { rest } from '../../lib/threads/rest.ts';
import { StallWatch } from '../../lib/threads/stall.ts';
import { SluiceError } from '../../model/problem.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { WorkerStatus } from '../../model/status.ts';
import { EVENTS_HEAD, reserveTallies, type Tallies, viewTallies } from '../../model/tallies.ts';
import type { ColorKeys } from '../../model/threads/color.ts';
import type { ActiveFaults } from '../../model/threads/faults.ts';
import type { ProfileWish } from '../../model/threads/load/saturation.ts';
import type { FromWorker, ToWorker, WorkerSetup } from '../../model/threads/messages.ts';
import { NO_TLS, type TlsMaterial } from '../../model/threads/tls.ts';
import { changeOf } from '../decide/link/replica.ts';
import { listenError } from '../wire/port.ts';
import { Commons } from './commons.ts';
import { HUNG_MS, type WorkersOptions } from './options.ts';
import {
  answerProfile,
  askProfile,
  failSlot,
  isIdle,
  RESTART_MS_MAX,
  type Retired,
  restartDelayMs,
  type Slot,
  slotOf,
} from './slot.ts';

/** A worker that served so long was well: its next death is a new story. */
const STABLE_MS = 60_000;
/** Looks at a worker within `hungMs`. */
const LOOKS = 10;

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
  /** As configured, then as the first worker has them. */
  #ports: readonly number[];
  #tls: TlsMaterial;
  #isStopping = false;
  /** What every worker was told and each that comes is told too, the last of each kind. */
  readonly #standing = new Map<ToWorker['kind'], ToWorker>();
  /** What outlives the workers that count in it. */
  readonly commons: Commons;
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
    this.#ports = options.listeners.map(({ port }) => port);
    this.#tls = options.tls ?? NO_TLS;
    this.commons = new Commons(options.count);
  }

  /** Starts every worker so far that `start` only has to make them listen. @throws SluiceError SLU_WORKER_FAILED */
  async prepare(): Promise<void> {
    for (let id = 0; id < this.#options.count; id++) await this.#launch(id, true);
    await Promise.all(this.#slots.map(({ ready }) => ready.promise));
  }

  /**
   * Has every worker listen, the first one alone: it may choose the ports for all.
   * @returns the ports, in the order of the listeners.
   * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED, SLU_WORKER_FAILED.
   */
  async start(): Promise<readonly number[]> {
    this.#ports = await this.#listen(0);
    const others = Array.from({ length: this.#options.count - 1 }, (_, i) => this.#listen(i + 1));
    await Promise.all(others);
    return this.#ports;
  }

  /** Every listening socket of each listener, by descriptor; null while a worker is being replaced. */
  sockets(): readonly (readonly number[])[] | null {
    const isWhole = this.#slots.every(({ state, listeners }) => {
      return state === 'serving' && listeners.length > 0 && listeners.every(({ fds }) => fds.length > 0);
    });
    if (!isWhole) return null;
    return this.#options.listeners.map((_, n) => this.#slots.flatMap(({ listeners }) => listeners[n]?.fds ?? []));
  }

  /** Sends a snapshot to all workers; resolves when all that live have linked it. */
  swap(snapshot: Snapshot): Promise<void> {
    const before = this.#snapshot;
    this.#snapshot = snapshot;
    const change = changeOf(before, snapshot);
    for (const slot of this.#slots) {
      rest();
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

  /** Has every worker that lives or comes inject these faults. */
  inject(active: ActiveFaults): void {
    this.#tellAll({ kind: 'faults', active });
  }

  /** Has every worker that lives or comes believe colors by these keys. */
  learn(keys: ColorKeys): void {
    this.#tellAll({ kind: 'color-keys', keys });
  }

  /** Has every worker that lives or comes speak TLS with this. */
  secure(tls: TlsMaterial): void {
    this.#tls = tls;
    for (const slot of this.#slots) this.#say(slot, { kind: 'tls', tls });
  }

  #tellAll(message: ToWorker): void {
    this.#standing.set(message.kind, message);
    for (const slot of this.#slots) this.#say(slot, message);
  }

  /** Tallies of the workers that live now; a replaced worker's are gone. The same array while nothing changes. */
  regions(): readonly Region[] {
    return this.#regions;
  }

  /** Has every worker collect its garbage. */
  collect(): void {
    for (const slot of this.#slots) this.#say(slot, { kind: 'collect' });
  }

  /** Has a worker profile itself; resolves with JSON in UTF-8. Rejects when it cannot, or is replaced meanwhile. */
  profile(id: number, wish: ProfileWish): Promise<Uint8Array> {
    const slot = this.#slots[id];
    if (slot === undefined || slot.state === 'gone') return Promise.reject(new Error(`worker ${id} is gone`));
    this.#say(slot, { kind: 'profile', wish });
    return askProfile(slot);
  }

  /** An id may go to another name once no worker knows the old one and nothing is under way for it. */
  isUnused(retired: Retired): boolean {
    return this.#slots.every(({ revision }) => revision >= retired.absentSince) && isIdle(this.#regions, retired);
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

  /** Has a prepared worker listen, or starts one; resolves with its ports. */
  async #listen(id: number): Promise<readonly number[]> {
    const prepared = this.#slots[id];
    if (prepared === undefined || prepared.state === 'gone') return (await this.#launch(id, false)).listening.promise;
    this.#say(prepared, { kind: 'listen', ports: this.#ports });
    return prepared.listening.promise;
  }

  /** Begins a worker's life. */
  async #launch(id: number, waits: boolean): Promise<Slot> {
    const listeners = await Promise.all(
      this.#options.listeners.map(async ({ host, http2 = false, sockets, proxyProtocol }, n) => {
        return { host, port: this.#ports[n] ?? 0, http2, fds: (await sockets?.(id)) ?? [], proxyProtocol };
      }),
    );
    if (this.#isStopping) throw new SluiceError('SLU_WORKER_FAILED', `worker ${id} was ended before it began`);
    const buffers = reserveTallies();
    const setup: WorkerSetup = {
      id,
      listeners,
      reusePort: this.#options.reusePort ?? this.#options.count > 1,
      // Another one in every life, or a successor would repeat its predecessor's request ids.
      seed: randomInt(2 ** 31),
      dials: this.#options.dials,
      endpointDials: this.#options.endpointDials,
      latencyDials: this.#options.latencyDials,
      ...this.commons.of(id),
      standings: this.#options.standings,
      tallies: buffers,
      snapshot: this.#snapshot,
      tls: this.#tls,
      waits,
    };
    const worker = new Worker(this.#options.file, { workerData: setup, name: `sluice-worker-${id}` });
    for (const message of this.#standing.values()) worker.postMessage(message);
    this.#options.born?.(id, (message, ports) => worker.postMessage(message, [...ports]));
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
        slot.listeners = message.listeners;
        slot.listening.resolve(message.listeners.map(({ port }) => port));
        this.commons.lead(this.#slots);
        break;
      case 'linked':
        // What it says when it listens is of its start: it may have linked a newer one meanwhile.
        slot.revision = Math.max(slot.revision, message.revision);
        break;
      case 'missed':
        this.#sendWhole(slot);
        break;
      case 'long-slices':
        this.#options.unhurried?.(message.because);
        break;
      case 'access':
        // First: a batch that cannot be taken must not be the last one.
        this.#say(slot, { kind: 'access-taken' });
        this.#options.access?.(message.batch);
        break;
      case 'compared':
        this.#options.compared?.(message.batch, () => this.#say(slot, { kind: 'compared-taken' }));
        break;
      case 'key-unknown':
        this.#options.keyUnknown?.();
        break;
      case 'profiled':
        answerProfile(slot, message.result);
        break;
      case 'drained':
        break;
      case 'failed':
        slot.state = 'gone';
        failSlot(slot, this.#listenError(message));
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

  #listenError(message: Extract<FromWorker, { kind: 'failed' }>): Error {
    const { host = '' } = this.#options.listeners[message.listener] ?? {};
    return listenError(host, this.#ports[message.listener] ?? 0, message);
  }

  #exited(slot: Slot): void {
    const hadStarted = slot.state === 'serving';
    slot.state = 'gone';
    this.commons.vacate(slot.id);
    this.commons.lead(this.#slots);
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
