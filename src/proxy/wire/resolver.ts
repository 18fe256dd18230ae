/**
 * Addresses of upstream names: asked again when they are older than a while, shared by all connections of a worker.
 *
 * Without it every new connection would ask the system's resolver in libuv's four threads, and a slow name server would
 * stop file access along with it. While an answer is fetched anew the old one serves; an answer that fails keeps the old
 * one, so that a name server's outage does not take the upstreams with it. New connections go round over the addresses.
 */

import { type LookupAddress, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { beginTurn } from '../../lib/clock.ts';

/** Asks for a name's addresses; `lookup` of node:dns, or a test's own. */
export type Lookup = (host: string, done: (code: string | null, addresses: readonly string[]) => void) => void;

type Done = (addresses: readonly string[], code: string) => void;

interface Entry {
  addresses: readonly string[];
  askedAtMs: number;
  isAsking: boolean;
  readonly waiting: Done[];
  /** First address of the next connection. */
  turn: number;
}

export class Resolver {
  readonly #lookup: Lookup;
  readonly #entries = new Map<string, Entry>();

  constructor(lookupName: Lookup = systemLookup) {
    this.#lookup = lookupName;
  }

  /**
   * Calls `done` with the addresses to try in this order; empty with a code (`ENOTFOUND` …) when there are none. At once
   * for IP addresses and known names, later else. @param believeMs how old an answer may be.
   */
  resolve(host: string, nowMs: number, believeMs: number, done: Done): void {
    if (isIP(host) !== 0) {
      done([host], '');
      return;
    }
    const entry = this.#entryOf(host);
    const isStale = nowMs - entry.askedAtMs >= believeMs;
    if (entry.addresses.length > 0) done(inTurn(entry), '');
    else entry.waiting.push(done);
    if (entry.isAsking || (!isStale && entry.addresses.length > 0)) return;
    entry.isAsking = true;
    entry.askedAtMs = nowMs;
    this.#lookup(host, (code, addresses) => settle(entry, code, addresses));
  }

  #entryOf(host: string): Entry {
    let entry = this.#entries.get(host);
    if (entry === undefined) {
      entry = { addresses: [], askedAtMs: Number.NEGATIVE_INFINITY, isAsking: false, waiting: [], turn: 0 };
      this.#entries.set(host, entry);
    }
    return entry;
  }
}

function settle(entry: Entry, code: string | null, addresses: readonly string[]): void {
  beginTurn();
  entry.isAsking = false;
  if (code === null && addresses.length > 0) entry.addresses = addresses;
  for (const done of entry.waiting.splice(0)) {
    if (entry.addresses.length > 0) done(inTurn(entry), '');
    else done([], code ?? 'ENODATA');
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
