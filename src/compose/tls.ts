/**
 * Composition of TLS: the files that the configuration names are read here, workers are told what they hold.
 *
 * ```
 * a configuration in force ─┐
 * a file changed (looked at every 10 s, and at a reload) ─┴▶ read as a whole ─┬▶ usable: to the workers
 *                                                                             └▶ not: what was read before stays, and is said
 * ```
 * What was read before stays only under the same rules for clients: when a configuration asks for more than before and its
 * files cannot be used, the listener is shut. A listener never gets weaker by a file that is missing.
 *
 * Sessions are resumed across workers by keys that are made here, another one every twelve hours and for other rules of client
 * certificates; they are nowhere but in memory, and a successor's after a restart. One set at a time, as the runtime takes no
 * more: whoever has a session of the one before does a whole handshake.
 * Source: RFC 5077 section 5.5; RFC 8446 appendix C.4.
 */

import { createHash, hkdfSync, randomInt } from 'node:crypto';
import { startProbe } from '../health/checks/probe.ts';
import { Health } from '../health/health.ts';
import { bothClocks, nowMs } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { Random, secretBytes } from '../lib/random.ts';
import type { Config } from '../model/config.ts';
import type { PassedTickets } from '../model/threads/handover.ts';
import type {
  Door,
  ListenerConfig,
  ListenerTls,
  ListenerTlsStatus,
  StapleStatus,
  TlsMaterial,
  TlsStatus,
  UpstreamMaterial,
} from '../model/threads/tls.ts';
import { urlsOf } from '../proxy/wire/port.ts';
import { type EndpointDials, isProbeOffered, offerProbe, setCapacity } from '../snapshot/endpoint-dials.ts';
import { upstreamKey } from '../snapshot/live.ts';
import { type Timers, UNREF_TIMERS } from '../sources/file.ts';
import { EXPIRY_WARNED_MS, type Leaf } from '../sources/follow/certificates/leaf.ts';
import { type Staple, staleness } from '../sources/follow/certificates/ocsp.ts';
import { type FileFault, type ListenerFiles, readListener, readUpstream } from '../sources/follow/certificates/read.ts';
import { listenersOf, upstreamsOf } from '../sources/follow/certificates/vet.ts';
import { formatAddress } from '../sources/scalars/address.ts';

/** Files are looked at so often. */
export const LOOK_MS = 10_000;
/** Keys of tickets live so long; what they have sealed is then no session any more. */
export const ROTATE_MS = 12 * 3_600_000;
const TICKET_KEY_BYTES = 48;
const SECRET_BYTES = 32;

export interface TlsDeps {
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Tells the workers. */
  readonly teach: (material: TlsMaterial) => void;
  readonly timers?: Timers;
  /** Of the wall clock; the system's where it is absent. */
  readonly wallMs?: () => number;
  /** Of the monotonic clock; the system's where it is absent. */
  readonly nowMs?: () => number;
}

/** One listener with TLS, as it is. */
interface Held {
  readonly address: string;
  /** What must not get weaker. */
  readonly rules: string;
  readonly clientAuth: ListenerTlsStatus['clientAuth'];
  readonly door: ListenerFiles['door'];
  readonly leaves: readonly Leaf[];
  readonly staples: readonly (Staple | null)[];
  /** Why the response of each certificate is not stapled since the files were looked at; empty where it is, or is none. */
  readonly withheld: readonly string[];
  readonly state: ListenerTlsStatus['state'];
  readonly because: string;
}

/** One for the process. */
export class Tls {
  readonly #deps: TlsDeps;
  readonly #timers: Timers;
  readonly #wallMs: () => number;
  readonly #nowMs: () => number;
  #config: Config | null = null;
  /**
   * Sockets of the first configuration, each with the settings that were configured for it last: another address, and TLS where
   * there was none, wait for the next start.
   */
  #opened: readonly ListenerConfig[] = [];
  #held: readonly (Held | null)[] = [];
  #upstreams: ReadonlyMap<string, UpstreamMaterial | null> = new Map();
  #upstreamFaults: readonly string[] = [];
  #secret = secretBytes(SECRET_BYTES);
  /** By the monotonic clock; null: TLS is not spoken. */
  #rotatesAtMs: number | null = null;
  #reloads = { done: 0, failed: 0 };
  /** What was told last, and of what it was made. */
  #told = '';
  /** Responses that were not stapled then. */
  #withheld = '';
  /** What was said to be wrong last. */
  #said = '';
  #looking: unknown = null;
  #rotating: unknown = null;

  constructor(deps: TlsDeps) {
    this.#deps = deps;
    this.#timers = deps.timers ?? UNREF_TIMERS;
    this.#wallMs = deps.wallMs ?? (() => bothClocks().wallMs);
    this.#nowMs = deps.nowMs ?? nowMs;
  }

  /** What workers are to speak TLS with. */
  get material(): TlsMaterial {
    return { doors: this.#held.map((held) => this.#doorOf(held)), upstreams: this.#upstreams };
  }

  /** What endpoints are shown by a check, and believed of them; null: its files cannot be used. */
  upstream(key: string): UpstreamMaterial | null {
    return this.#upstreams.get(key) ?? null;
  }

  /** For a successor. */
  get tickets(): PassedTickets | null {
    if (this.#rotatesAtMs === null) return null;
    const leftMs = Math.max(0, this.#rotatesAtMs - this.#nowMs());
    return { base64: Buffer.from(this.#secret).toString('base64'), leftMs };
  }

  /** Takes up the tickets of the process before this one; they are replaced when they would have been there. */
  adopt(tickets: PassedTickets | null): void {
    if (tickets === null || this.#rotatesAtMs === null) return;
    const secret = new Uint8Array(Buffer.from(tickets.base64, 'base64'));
    if (secret.length !== SECRET_BYTES) return;
    this.#secret = secret;
    this.#rotateIn(Math.min(tickets.leftMs, ROTATE_MS));
    this.#deps.teach(this.material);
  }

  /** Where clients connect. @param ports that the listeners have, in their order */
  urls(ports: readonly number[]): string[] {
    return urlsOf(this.#opened, ports);
  }

  /** Takes the configuration in force. */
  follow(config: Config): void {
    this.#config = config;
    this.#look(false);
  }

  /** Reads all files again. */
  reload(): void {
    this.#look(true);
  }

  status(): TlsStatus {
    const wallMs = this.#wallMs();
    const listeners = this.#held.flatMap((held): ListenerTlsStatus[] => {
      if (held === null) return [];
      const { address, state, because, clientAuth, leaves } = held;
      const certificates = leaves.map(({ names, notAfterMs }, n) => {
        const staple = stapleStatus(held, n);
        return { names, notAfter: new Date(notAfterMs).toISOString(), expiresInMs: notAfterMs - wallMs, staple };
      });
      return [{ address, state, because, clientAuth, certificates }];
    });
    return { listeners, upstreamsFailed: this.#upstreamFaults, reloads: { ...this.#reloads } };
  }

  /** Idempotent. */
  close(): void {
    this.#config = null;
    this.#timers.clear(this.#looking);
    this.#timers.clear(this.#rotating);
  }

  #look(isAsked: boolean): void {
    const config = this.#config;
    if (config === null) return;
    this.#timers.clear(this.#looking);
    const isFirst = this.#told === '';
    if (isFirst) this.#opened = listenersOf(config);
    this.#opened = settingsOf(this.#opened, config);
    const wallMs = this.#wallMs();
    this.#held = this.#opened.map(({ tls, ...address }, n) => {
      if (tls === undefined) return null;
      const held = this.#read(formatAddress(address), tls, this.#held[n] ?? null);
      return { ...held, withheld: held.staples.map((staple) => (staple === null ? '' : staleness(staple, wallMs))) };
    });
    this.#readUpstreams(config);
    const isUsed = this.#held.some((held) => held !== null) || this.#upstreams.size > 0;
    if (isUsed) this.#looking = this.#timers.set(() => this.#look(false), LOOK_MS);
    if (isUsed && this.#rotatesAtMs === null) this.#rotateIn(ROTATE_MS);
    this.#tell(isFirst, isAsked);
  }

  #read(address: string, tls: ListenerTls, before: Held | null): Omit<Held, 'withheld'> {
    const { door, faults, leaves, staples } = readListener(tls);
    const rules = JSON.stringify([tls.clientAuth, tls.minVersion, tls.unknownHost]);
    const base = { address, rules, clientAuth: tls.clientAuth?.mode ?? ('off' as const) };
    if (door !== null) {
      const whole = leaves.filter((leaf) => leaf !== null);
      return { ...base, door, leaves: whole, staples, state: 'serving', because: '' };
    }
    const because = textOf(faults);
    if (before !== null && before.door !== null && before.rules === rules) return { ...before, state: 'kept', because };
    return { ...base, door: null, leaves: [], staples: [], state: 'shut', because };
  }

  #readUpstreams(config: Config): void {
    const before = this.#upstreams;
    const upstreams = new Map<string, UpstreamMaterial | null>();
    const failed: string[] = [];
    for (const [tls, path] of upstreamsOf(config)) {
      const key = upstreamKey(tls);
      if (upstreams.has(key)) continue;
      const { material, faults } = readUpstream(tls);
      // The settings are the same, or it would be another key: what was read before is as strict.
      upstreams.set(key, material ?? before.get(key) ?? null);
      if (material === null) failed.push(`${path.slice(1).join('.')}: ${textOf(faults)}`);
    }
    this.#upstreams = upstreams;
    this.#upstreamFaults = failed;
  }

  /** Tells the workers what changed, and people what is wrong; each once. */
  #tell(isFirst: boolean, isAsked: boolean): void {
    const { log } = this.#deps;
    const listeners = this.#held.filter((held) => held !== null);
    const wrong = [
      ...listeners.filter(({ because }) => because !== ''),
      ...this.#upstreamFaults.map((because) => ({ because })),
    ];
    const saying = JSON.stringify(wrong.map(({ because }) => because));
    if (wrong.length > 0 && (saying !== this.#said || isAsked)) {
      this.#reloads.failed += 1;
      for (const { address, state, because } of listeners) {
        if (because !== '') log.error('tls_files_refused', { listener: address, now: state, because });
      }
      for (const because of this.#upstreamFaults) log.error('tls_files_refused', { because });
    }
    this.#said = saying;
    const files = this.#held.map((held) => (held === null ? null : { ...held, withheld: [] }));
    const told = JSON.stringify([files, [...this.#upstreams]], withoutBytes);
    const withheld = JSON.stringify(this.#held.map((held) => held?.withheld));
    const isOther = told !== this.#told;
    if (!isOther && withheld === this.#withheld) return;
    if (!isFirst && withheld !== this.#withheld) this.#warnOfStaples();
    this.#deps.teach(this.material);
    this.#told = told;
    this.#withheld = withheld;
    if (isFirst || !isOther) return;
    this.#reloads.done += 1;
    log.info('tls_files', { listeners: listeners.map(({ address, state }) => `${address} ${state}`) });
    this.#warnOfExpiry();
  }

  #warnOfStaples(): void {
    for (const { address, certificates } of this.status().listeners) {
      for (const { names, staple } of certificates) {
        if (staple === null || staple.because === '') continue;
        this.#deps.log.warn('ocsp_not_stapled', { listener: address, names, because: staple.because });
      }
    }
  }

  #warnOfExpiry(): void {
    for (const { address, certificates } of this.status().listeners) {
      for (const { names, notAfter, expiresInMs } of certificates) {
        if (expiresInMs >= EXPIRY_WARNED_MS) continue;
        this.#deps.log.warn('certificate_expires', { listener: address, names, notAfter });
      }
    }
  }

  #rotateIn(ms: number): void {
    this.#timers.clear(this.#rotating);
    this.#rotatesAtMs = this.#nowMs() + ms;
    this.#rotating = this.#timers.set(() => this.#rotate(), ms);
  }

  #rotate(): void {
    this.#secret = secretBytes(SECRET_BYTES);
    this.#rotateIn(ROTATE_MS);
    this.#deps.teach(this.material);
  }

  /** Sessions of one set of rules are worth nothing under another: who was let in without a certificate stays so. */
  #doorOf(held: Held | null): Door {
    if (held === null) return 'plain';
    if (held.door === null) return 'shut';
    const rules = JSON.stringify([held.address, held.rules, held.door.clientAuth]);
    // As long as a derivation may be told: 1,024 bytes are its limit, and issuers are longer.
    const scope = createHash('sha256').update(rules).digest('hex');
    const ticketKeys = new Uint8Array(hkdfSync('sha256', this.#secret, '', `tickets ${scope}`, TICKET_KEY_BYTES));
    const context = hkdfSync('sha256', 'session context', '', scope, 16);
    const certificates = held.door.certificates.map((certificate, n) => {
      return (held.withheld[n] ?? '') === '' ? certificate : { ...certificate, ocsp: null };
    });
    return { ...held.door, certificates, ticketKeys, sessionContext: Buffer.from(context).toString('hex') };
  }
}

/** The health of endpoints, whose checks speak TLS as requests do. */
export function createHealth(tls: Pick<Tls, 'upstream'>, dials: EndpointDials): Health {
  return new Health({
    random: new Random(randomInt(2 ** 31)),
    nowMs,
    setCapacity: (endpoint, capacity) => setCapacity(dials, endpoint, capacity),
    offerProbe: (endpoint, number) => offerProbe(dials, endpoint, number),
    isProbeOffered: (endpoint) => isProbeOffered(dials, endpoint),
    startProbe: (target) => startProbe(target, (key) => tls.upstream(key)),
  });
}

/** What the sockets that are open are to speak: as configured now, or as before where they are not configured any more. */
function settingsOf(opened: readonly ListenerConfig[], config: Config): readonly ListenerConfig[] {
  const left = new Set(listenersOf(config));
  return opened.map((open) => {
    const same = [...left].find(({ host, port, tls }) => {
      return host === open.host && port === open.port && (tls === undefined) === (open.tls === undefined);
    });
    if (same !== undefined) left.delete(same);
    return same ?? open;
  });
}

function stapleStatus({ staples, withheld }: Held, certificate: number): StapleStatus | null {
  const staple = staples[certificate] ?? null;
  if (staple === null) return null;
  const { nextUpdateMs } = staple;
  const nextUpdate = nextUpdateMs === null ? null : new Date(nextUpdateMs).toISOString();
  return { nextUpdate, because: withheld[certificate] ?? '' };
}

/** Bytes as text: a typed array would become a mapping of its indexes. */
function withoutBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

function textOf(faults: readonly FileFault[]): string {
  return faults.map(({ expected, got }) => `expected ${expected}, got ${got}`).join('; ');
}
