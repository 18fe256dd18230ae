/**
 * Composition of a stale start: a gateway whose sources do not answer goes on with the configuration that was in force last.
 *
 * ```
 * state directory ─▶ rows ─▶ the pinned revision, or the newest ─▶ under the main document of now ─▶ in force
 *                              └── was not verified, and signatures are required ─▶ the newest that was
 * every source has answered ─▶ taken as any change is, unless it is a sudden loss
 * ```
 * Verified documents were accepted by rising revisions: what is older than the newest of them would be documents that were put back.
 * All of it is of before but what belongs to the process, which the main document alone says. Files that it names are read now.
 */

import assert from 'node:assert/strict';
import { bothClocks } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import type { Config } from '../../../model/config.ts';
import type { GatewayOptions } from '../../../model/gateway.ts';
import { type Problem, SluiceError } from '../../../model/problem.ts';
import type { SourceStatus } from '../../../model/status.ts';
import type { Pin, RevisionEntry, StaleStart } from '../../../model/threads/revision.ts';
import type { SavedBudget } from '../../../model/threads/state.ts';
import { type Confirmed, confirmedOf } from '../../../snapshot/revisions/confirmed.ts';
import { History, type Kept } from '../../../snapshot/revisions/history.ts';
import { pinOf } from '../../../snapshot/revisions/pin.ts';
import type { Environment } from '../../../sources/document/interpolate.ts';
import { vetFiles } from '../../../sources/follow/certificates/vet.ts';
import { readMain, underMain } from '../../../sources/parse.ts';
import { codeOf } from '../../../sources/problems/codes.ts';
import { formatDuration } from '../../../sources/scalars/duration.ts';
import type { StaleStartSettings } from '../../../sources/stores/settings.ts';
import { lookInto } from '../../../state/look.ts';
import { CONFIRMED_KEY, FORMAT, KEY_PREFIX, PIN_KEY } from '../revisions/rows.ts';

const SECOND_MS = 1000;
/** Origin of a revision that a stale start made, as the main document of now says something else of the process. */
export const STALE_ORIGIN = 'stale start';

/** What was in force when an earlier process last wrote it down. */
export interface LastInForce {
  readonly config: Config;
  /** Of its revision. */
  readonly number: number;
  readonly hash: string;
  /** When it was accepted, ISO 8601. */
  readonly acceptedAt: string;
  /** What the sources held, which another revision may be pinned against. */
  readonly sourced: Pick<Confirmed, 'hash' | 'at'>;
  /** As in its revision. */
  readonly verifiedWith: RevisionEntry['verifiedWith'];
  /** What was in force after it and may not be gone on with, and why; empty: nothing was. */
  readonly passedOver: string;
}

/** What a start knows of itself when its sources do not answer. */
export interface Started extends Pick<GatewayOptions, 'configFile' | 'isFreshRequired'> {
  readonly environment: Environment;
  /** That is running. */
  readonly release: string;
  /** Keys that documents must be verified with, as `printOf` has them; null: none need be. */
  readonly prints: readonly string[] | null;
}

/**
 * What to start with.
 * @param late that the sources do not answer
 * @param text of the main document, which is sound by itself
 * @throws SluiceError SLU_SOURCE_UNAVAILABLE, with why there is nothing to start with beside `late`
 */
export function staleStart(late: SluiceError, text: string, started: Started) {
  const { configFile: file, isFreshRequired, environment, release, prints } = started;
  const { wallMs } = bothClocks();
  const { sources, stateDirectory } = readMain(text, file, environment);
  // It named those that do not answer.
  assert(sources !== null);
  const rules = { ...sources.staleStart, isFreshRequired, file };
  const last = lastFor(late, rules, { directory: stateDirectory, release, prints, nowMs: wallMs });
  const under = underMain(last.config, text, file, environment);
  const parsed = vetFiles(under.ok ? { ...under, sources } : under, file, wallMs);
  if (!parsed.ok) throw withProblems(late, parsed.problems);
  return { last, parsed };
}

interface Rules extends StaleStartSettings, Pick<GatewayOptions, 'isFreshRequired'> {
  readonly file: string;
}

/** Null: state is in memory. */
interface Place extends Pick<Started, 'release' | 'prints'> {
  readonly directory: string | null;
  /** Of the wall clock. */
  readonly nowMs: number;
}

function lastFor(late: SluiceError, rules: Rules, { directory, release, prints, nowMs }: Place): LastInForce {
  const { isAllowed, ageMsMax, isFreshRequired, file } = rules;
  if (isFreshRequired) throw cannot(late, file, '--require-fresh', 'start without it');
  if (!isAllowed) throw cannot(late, file, 'follow.staleStart: false', 'set it to true');
  if (directory === null) {
    throw cannot(late, file, 'no state.directory', 'name one: a later start has what one that succeeds writes there');
  }
  let last: LastInForce;
  try {
    last = lastIn(lookInto(directory, KEY_PREFIX), release, prints);
  } catch (error) {
    const hint = prints === null ? WRITTEN : VERIFIED;
    throw cannot(late, directory, error instanceof Error ? error.message : String(error), hint);
  }
  const ageMs = nowMs - Date.parse(last.sourced.at);
  // A clock that stands so far before that says nothing about its age.
  if (Math.abs(ageMs) <= ageMsMax) return last;
  const apart = formatDuration(Math.floor(Math.abs(ageMs) / SECOND_MS) * SECOND_MS);
  const when = ageMs > 0 ? `${apart} ago` : `${apart} from now by this machine's clock`;
  const got = `revision ${last.number}, which they confirmed ${when}, at ${last.sourced.at}`;
  throw cannot(late, directory, got, ageMs > 0 ? 'raise follow.staleStartMax if that is not too old' : 'set the clock');
}

/**
 * The last configuration in force, of the rows of an earlier process, or the last that was verified.
 * @param prints keys that it must have been verified with; null: it need not be
 * @throws Error when that is not certain, it is of another release, or none was verified
 */
export function lastIn(
  rows: ReadonlyMap<string, SavedBudget>,
  release: string,
  prints: readonly string[] | null,
): LastInForce {
  const history = new History(release);
  let pin: Pin | null = null;
  let confirmed: Confirmed | null = null;
  for (const [key, { format, bytes }] of rows) {
    if (bytes.length === 0) continue;
    if (format !== FORMAT) throw new Error(`${key} has format ${format}, this release reads ${FORMAT}`);
    if (key === PIN_KEY) pin = pinOf(bytes);
    else if (key === CONFIRMED_KEY) confirmed = confirmedOf(bytes);
    else history.recall(key.slice(KEY_PREFIX.length), bytes);
  }
  const entry = entryInForce(history, pin);
  if (entry === null) throw new Error(pin === null ? NOTHING : `revision ${pin.to} is pinned, and not kept any more`);
  const because = unverified(history, entry, prints);
  const verified = because === '' ? entry : verifiedOf(history, prints, because);
  const { number, hash, at, verifiedWith } = history.describe(verified);
  const before = confirmed?.passedOver ?? '';
  // What came after it was confirmed as well, and is not it; an earlier stale start that passed it over has kept the time.
  const confirmedAt = because === '' || before !== '' ? (confirmed?.at ?? at) : saidAt(history, verified);
  // Nothing was mended since an earlier stale start; a pin is a person's word, who has seen it.
  const passedOver = because === '' && pin === null && prints !== null ? before : because;
  const sourced = { hash: pin?.from ?? confirmed?.hash ?? hash, at: confirmedAt };
  const told = { number, hash, acceptedAt: at, sourced, verifiedWith, passedOver };
  return { config: history.configOf(verified), ...told };
}

/** When a revision that was verified was accepted of the sources: a stale start and a rollback accept what they had said before. */
function saidAt(history: History, verified: Kept): string {
  const { number, at } = history.describe(verified);
  const isSaid = (one: RevisionEntry): boolean =>
    one.verifiedWith !== null && one.contentOf === one.number && !one.origin.includes(STALE_ORIGIN);
  // Newest first. It may be forgotten.
  return history.list().find((one) => one.number <= number && isSaid(one))?.at ?? at;
}

/** What the process before had in force: what it was told to hold, or what it accepted last. Null: that is not known. */
export function entryInForce(history: History, pin: Pin | null): Kept | null {
  return pin === null ? history.newestRecalled : history.find(pin.hash);
}

/** The newest that was verified. @param because of which another one may not be gone on with @throws Error when it may not either */
function verifiedOf(history: History, prints: readonly string[] | null, because: string): Kept {
  const { newestVerified } = history;
  if (newestVerified === null) throw new Error(`${because}, and signatures are required; no other one was verified`);
  const too = unverified(history, newestVerified, prints);
  if (too === '') return newestVerified;
  throw new Error(too === because ? because : `${because}; ${too}`);
}

/**
 * Why a revision may not be gone on with where documents must be verified; empty: it may.
 * @param prints keys that count, as `printOf` has them; null: none need be verified
 */
export function unverified(history: History, entry: Kept, prints: readonly string[] | null): string {
  if (prints === null) return '';
  const { number, at, verifiedWith } = history.describe(entry);
  if (verifiedWith === null) return `revision ${number} was accepted without signatures at ${at}`;
  const others = verifiedWith.filter((print) => !prints.includes(print));
  if (others.length === 0) return '';
  return `revision ${number} was verified with ${others.join(', ')}, and the keys are ${prints.join(', ')}`;
}

const NOTHING = 'it keeps no accepted configuration';
const WRITTEN = 'a start whose sources answer needs nothing of it, and writes what a later one may go on with';
const VERIFIED = 'start once while the sources answer: what they hold is verified then, and kept for a later start';

function cannot(late: SluiceError, file: string, got: string, hint: string): SluiceError {
  return withProblems(late, [{ ...problemAt(file), got, hint }]);
}

/** The same error with what keeps the gateway from starting all the same. */
function withProblems(late: SluiceError, problems: readonly Problem[]): SluiceError {
  const { code, message, problems: unanswered } = late;
  const more = `${message}, and there is nothing of before to start with`;
  return new SluiceError(code, more, { cause: late, problems: [...unanswered, ...problems] });
}

function problemAt(file: string): Omit<Problem, 'got' | 'hint'> {
  const expected = 'a configuration of before to start with until the sources answer';
  return { code: codeOf('staleStart'), file, line: 0, column: 0, path: '', expected };
}

/** Says what was started with, and what not. @param because of which it is not what the sources hold */
export function tellOfStart(
  log: Pick<Log, 'error'>,
  last: LastInForce,
  { directory, because }: { readonly directory: string | null; readonly because: string },
): void {
  const { config: _, ...told } = last;
  const { passedOver, number } = told;
  if (passedOver !== '') {
    const now = `revision ${number}, the newest that was verified, is gone on with`;
    const hint =
      'what the sources hold is verified and kept as soon as they have answered; sign it where it is not signed';
    log.error('config_unverified', { code: codeOf('keptUnverified'), directory, because: passedOver, now, hint });
  }
  log.error('config_stale', { code: codeOf('staleStarted'), ...told, because });
}

/** For status and metrics. @param sources those that are followed */
export function toldOf(
  { number, hash, acceptedAt, sourced, passedOver }: LastInForce,
  sources: readonly SourceStatus[],
  nowMs: number,
): StaleStart {
  return {
    ...{ number, hash, acceptedAt, confirmedAt: sourced.at, passedOver },
    acceptedMs: Math.max(0, nowMs - Date.parse(acceptedAt)),
    confirmedMs: Math.max(0, nowMs - Date.parse(sourced.at)),
    unanswered: sources.filter(({ confirmedAt }) => confirmedAt === '').map(({ name }) => name),
  };
}
