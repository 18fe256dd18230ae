/**
 * Addresses of upstream names: asked again when they are older than a while, shared by all connections of a worker.
 *
 * Without it every new connection would ask the system's resolver in libuv's four threads, and a slow name server would
 * stop file access along with it. So one question per name is under way at the most, however many connections wait for
 * it. While an answer is fetched anew the old one serves; an answer that fails keeps the old one, so that a name server's
 * outage does not take the upstreams with it. Where there is no old one, the failure is believed for a short while. New
 * connections go round over the addresses.
 */

import { type LookupAddress, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { beginTurn } from '../../lib/clock.ts';
import type { Connecting } from './connect.ts';

/** Asks for a name's addresses; `lookup` of node:dns, or a test's own. Calls back once. */
export type Lookup = (host: string, done: (code: string | null, addresses: readonly string[]) => void) => void;

type Done = (addresses: readonly string[], code: string) => void;

/** How long a name without addresses is not asked for again: an outage's traffic must not become questions. */
const FAILURE_BELIEVED_MS = 1000;

interface Waiter {
  readonly done: Done;
}

interface Entry {
  addresses: readonly string[];
  /** Why there are no addresses; empty before the first answer. */
  code: string;
  askedAtMs: number;
  isAsking: boolean;
  readonly waiting: Set<Waiter>;
  /** First address of the next connection. */
  turn: number;
}

const DONE: Connecting = { cancel: () => undefined };

export class Resolver {
  readonly #lookup: Lookup;
  readonly #entries = new Map<string, Entry>();

  constructor(lookupName: Lookup = systemLookup) {
    this.#lookup = lookupName;
  }

  /**
   * Calls `done` once with the addresses to try in this order; empty with a code (`ENOTFOUND` …) when there are none. At
   * once for IP addresses and known names; later else, and always when there are none.
   * @param believeMs how old an answer may be.
   */
  resolve(host: string, nowMs: number, believeMs: number, done: Done): Connecting {
    if (isIP(host) !== 0) {
      done([host], '');
      return DONE;
    }
    const entry = this.#entryOf(host);
    const isKnown = entry.addresses.length > 0;
    const ageMs = nowMs - entry.askedAtMs;
    const hasFailed = !isKnown && !entry.isAsking && entry.code !== '';
    if (hasFailed && ageMs < Math.min(believeMs, FAILURE_BELIEVED_MS)) return later(done, entry.code);
    const waiter = isKnown ? null : wait(entry, done);
    if (!entry.isAsking && (!isKnown || ageMs >= believeMs)) this.#ask(host, entry, nowMs);
    if (waiter === null) {
      done(inTurn(entry), '');
      return DONE;
    }
    return { cancel: () => entry.waiting.delete(waiter) };
  }

  /** Forgets all other names. Whoever waits for one of those is still answered. */
  retain(hosts: ReadonlySet<string>): void {
    for (const host of this.#entries.keys()) if (!hosts.has(host)) this.#entries.delete(host);
  }

  #ask(host: string, entry: Entry, nowMs: number): void {
    entry.isAsking = true;
    entry.askedAtMs = nowMs;
    this.#lookup(host, (code, addresses) => settle(entry, code, addresses));
  }

  #entryOf(host: string): Entry {
    let entry = this.#entries.get(host);
    if (entry === undefined) {
      entry = { addresses: [], code: '', askedAtMs: 0, isAsking: false, waiting: new Set(), turn: 0 };
      this.#entries.set(host, entry);
    }
    return entry;
  }
}

function wait(entry: Entry, done: Done): Waiter {
  const waiter = { done };
  entry.waiting.add(waiter);
  return waiter;
}

/** A failure that is known already is told later: the caller is not ready to hear it yet. */
function later(done: Done, code: string): Connecting {
  const turn = setImmediate(done, [], code);
  return { cancel: () => clearImmediate(turn) };
}

function settle(entry: Entry, code: string | null, addresses: readonly string[]): void {
  beginTurn();
  entry.isAsking = false;
  if (code === null && addresses.length > 0) {
    entry.addresses = addresses;
    entry.code = '';
  } else entry.code = code ?? 'ENODATA';
  const isKnown = entry.addresses.length > 0;
  for (const waiter of [...entry.waiting]) {
    // What one of them does may cancel another.
    if (!entry.waiting.delete(waiter)) continue;
    if (isKnown) waiter.done(inTurn(entry), '');
    else waiter.done([], entry.code);
  }
}

/** All addresses, each connection beginning with another one. */
function inTurn(entry: Entry): readonly string[] {
  const { addresses } = entry;
  if (addresses.length === 1) return addresses;
  const first = entry.turn++ % addresses.length;
  return [...addresses.slice(first), ...addresses.slice(0, first)];
}

function systemLookup(host: string, done: (code: string | null, addresses: readonly string[]) => void): void {
  lookup(host, { all: true, order: 'verbatim' }, (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
    if (error === null)
      done(
        null,
        found.map(({ address }) => address),
      );
    else done(error.code ?? 'EAI_FAIL', []);
  });
}
