/**
 * Tokens that were verified lately, and those that are being verified: what a decision, which cannot wait, asks.
 *
 * ```
 * unknown ─▸ pending (verified on another thread; requests with it wait, at most WAIT_MS_MAX) ─▸ good │ bad ─▸ forgotten
 * ```
 * Good ones are kept until they expire, bad ones for a while; each kind by itself, so that a flood of one pushes none of another out. All
 * are forgotten when keys or configuration change. Tokens are kept as digests: memory holds no credential.
 * Nothing here asks anybody for keys; that one is missing is told to the main thread.
 */

import { hash } from 'node:crypto';
import { beginTurn } from '../../../lib/clock.ts';
import { type ColorTokenConfig, TOKEN_RESULTS, type TokenResult } from '../../../model/threads/color.ts';
import { createVerifier, preload, refused, type TokenVerdict, type VerifyToken } from './verifier.ts';

export const GOOD_MAX = 4096;
export const BAD_MAX = 1024;
/** Good ones without a color, which only user keys ask for: about 5 MB. */
export const USERS_MAX = 16_384;
export const PENDING_MAX = 256;
/** How long a token that is not good is not looked at again. */
export const BAD_MS = 10_000;
/** How long a request may wait for its token: many times what one takes, and little to a user. */
export const WAIT_MS_MAX = 100;
const TOKEN_CHARS_MAX = 8192;
/** Least time between two words to the main thread that a key is missing. */
const WANT_MS = 1000;
/** Three parts, as a signed token in compact form has. Source: RFC 7515 section 7.1. */
const FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Verdicts on tokens that are good for nothing, made once. */
const REFUSED = new Map(TOKEN_RESULTS.map((result) => [result, refused(result)]));

interface Pending {
  /** Tell those that wait; empty once they waited for too long. */
  waiting: (() => void)[];
  readonly sinceMs: number;
  isLate: boolean;
}

/** What `Tokens` needs of its worker. */
export interface TokenLinks {
  /** Counts what came of a token, by number of `TOKEN_RESULTS`. */
  readonly count: (result: number) => void;
  /** A token names a key that is not in the set. */
  readonly wantKeys: () => void;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

export class Tokens {
  readonly #links: TokenLinks;
  #config: ColorTokenConfig | null = null;
  #keySet: string | null = null;
  #verify: Promise<VerifyToken> | null = null;
  readonly #good = new Map<string, TokenVerdict>();
  readonly #users = new Map<string, TokenVerdict>();
  readonly #bad = new Map<string, { readonly result: TokenResult; readonly untilMs: number }>();
  #pending = new Map<string, Pending>();
  /** Which one was asked for last and is pending. */
  #asked: Pending | null = null;
  #wantedAtMs = Number.NEGATIVE_INFINITY;

  constructor(links: TokenLinks) {
    this.#links = links;
  }

  get size(): { readonly good: number; readonly bad: number; readonly pending: number } {
    return { good: this.#good.size + this.#users.size, bad: this.#bad.size, pending: this.#pending.size };
  }

  /** From now on tokens are verified so. */
  configure(config: ColorTokenConfig | null): void {
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return;
    this.#config = config;
    if (config !== null) preload();
    this.#renew();
  }

  /** From now on these keys are believed, and no other. */
  learn(keySet: string | null): void {
    if (keySet === this.#keySet) return;
    this.#keySet = keySet;
    this.#renew();
  }

  #renew(): void {
    this.#good.clear();
    this.#users.clear();
    this.#bad.clear();
    // Who waits looks again, and finds the new keys; what is still being verified belongs to the old ones.
    const pending = this.#pending;
    this.#pending = new Map();
    this.#verify = this.#config === null || this.#keySet === null ? null : createVerifier(this.#config, this.#keySet);
    // Told to each token that needs it, as `bad_key`.
    this.#verify?.catch(() => undefined);
    for (const each of pending.values()) tell(each);
  }

  /**
   * Colors of a token, none for a bad one; null: not known yet, then wait `whenKnown`.
   * @param isCounted whether what came of it is counted: not where its user was asked for before
   */
  colorsOf(token: string, isCounted = true): readonly string[] | null {
    const verdict = this.#verdictOn(token);
    if (verdict === null) return null;
    const { colors, result } = verdict;
    if (isCounted) this.#count(result === 'verified' && colors.length === 0 ? 'claim' : result);
    return colors;
  }

  /** Digest of the user of a token, empty for a bad one; null: not known yet. Counts what it tells. */
  userOf(token: string): string | null {
    const verdict = this.#verdictOn(token);
    if (verdict === null) return null;
    this.#count(verdict.result);
    return verdict.user;
  }

  /** Calls once when the token that was asked for last is known, or is given up. */
  whenKnown(tellMe: () => void): void {
    this.#asked?.waiting.push(tellMe);
  }

  /** Lets those go on that waited too long. To be called now and then, not by a thread that stood still: answers come in first. */
  sweep(nowMs: number): void {
    for (const pending of this.#pending.values()) {
      if (pending.isLate || nowMs - pending.sinceMs < WAIT_MS_MAX) continue;
      pending.isLate = true;
      tell(pending);
    }
  }

  #verdictOn(token: string): TokenVerdict | null {
    const { nowMs, wallMs } = this.#links;
    if (token.length > TOKEN_CHARS_MAX || !FORM.test(token)) return refusedAs('malformed');
    if (this.#verify === null) return refusedAs('no_keys');
    const digest = hash('sha256', token, 'base64');
    const good = this.#good.get(digest) ?? this.#users.get(digest);
    if (good !== undefined) return atTime(good, wallMs());
    const bad = this.#bad.get(digest);
    if (bad !== undefined && nowMs() < bad.untilMs) return refusedAs(bad.result);
    const known = this.#pending.get(digest);
    if (known?.isLate === true) return refusedAs('late');
    if (known === undefined && this.#pending.size >= PENDING_MAX) return refusedAs('busy');
    this.#asked = known ?? this.#begin(digest, token, this.#verify);
    return null;
  }

  #begin(digest: string, token: string, verify: Promise<VerifyToken>): Pending {
    const pending: Pending = { waiting: [], sinceMs: this.#links.nowMs(), isLate: false };
    this.#pending.set(digest, pending);
    void this.#finish(digest, token, { verify, pending });
    return pending;
  }

  async #finish(
    digest: string,
    token: string,
    { verify, pending }: { readonly verify: Promise<VerifyToken>; readonly pending: Pending },
  ): Promise<void> {
    const verdict = await verify.then((one) => one(token, this.#links.wallMs())).catch(() => refused('bad_key'));
    // The keys changed meanwhile: whoever waited was told then.
    if (this.#pending.get(digest) !== pending) return;
    this.#pending.delete(digest);
    if (verdict.colors.length > 0) keep(this.#good, GOOD_MAX, digest, verdict);
    else if (verdict.result === 'verified') keep(this.#users, USERS_MAX, digest, verdict);
    else {
      const untilMs = this.#links.nowMs() + BAD_MS;
      keep(this.#bad, BAD_MAX, digest, { result: verdict.result, untilMs });
    }
    if (verdict.result === 'unknown_key') this.#want();
    tell(pending);
  }

  #want(): void {
    const nowMs = this.#links.nowMs();
    if (nowMs - this.#wantedAtMs < WANT_MS) return;
    this.#wantedAtMs = nowMs;
    this.#links.wantKeys();
  }

  #count(result: TokenResult): void {
    this.#links.count(TOKEN_RESULTS.indexOf(result));
  }
}

function refusedAs(result: TokenResult): TokenVerdict {
  return REFUSED.get(result) as TokenVerdict;
}

/** What was verified holds from and until when its token says. */
function atTime(verdict: TokenVerdict, wallMs: number): TokenVerdict {
  if (wallMs >= verdict.untilMs) return refusedAs('expired');
  return wallMs < verdict.fromMs ? refusedAs('not_yet') : verdict;
}

/** What they do, happens now. */
function tell(pending: Pending): void {
  if (pending.waiting.length === 0) return;
  beginTurn();
  for (const each of pending.waiting.splice(0)) each();
}

/** The oldest makes room for the newest. */
function keep<T>(map: Map<string, T>, sizeMax: number, key: string, value: T): void {
  map.delete(key);
  if (map.size >= sizeMax) map.delete(map.keys().next().value as string);
  map.set(key, value);
}
