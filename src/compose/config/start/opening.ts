/**
 * Composition of what a start opens: the sources, each asked and followed from then on whether it answers in time or not; the
 * parser of what they say; the locks of a fleet, where a source has them.
 */

import assert from 'node:assert/strict';
import { bothClocks, nowMs, wallTime } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import type { Random } from '../../../lib/random.ts';
import type { SluiceError } from '../../../model/problem.ts';
import type { FleetConfig, LockStore } from '../../../model/threads/fleet.ts';
import type { Sources } from '../../../sources/build/sources.ts';
import type { Environment } from '../../../sources/document/interpolate.ts';
import { createPartReader } from '../../../sources/document/reader/reader.ts';
import { UNREF_TIMERS } from '../../../sources/file.ts';
import { vetFiles } from '../../../sources/follow/certificates/vet.ts';
import { Feeds, type FeedsOptions } from '../../../sources/follow/feeds.ts';
import { Renewal } from '../../../sources/follow/renewal.ts';
import { type Parsed, readMain } from '../../../sources/parse.ts';
import { Parser } from '../../../sources/parser.ts';
import { openStore } from '../../../sources/stores/open.ts';
import type { SourceSettings } from '../../../sources/stores/settings.ts';
import { openLocks } from '../../../sources/stores/write/locks.ts';

/** As source or as built. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? '../parse-thread.ts' : '../parse-thread.js',
  import.meta.url,
);
const ALIVE_MS = 1000;

export interface OpeningDeps extends Pick<FeedsOptions, 'onEvent'> {
  readonly random: Random;
  /** Every document must be signed. */
  readonly isSigned: boolean;
}

/**
 * The sources that a document names; null: none. One with many routes is not read twice: without the word in it, it names no sources.
 * What is wrong with it is told when all of it is parsed.
 */
export function sourcesNamed(text: string, file: string, environment: Environment): Sources | null {
  if (!/\bsources\b/.test(text)) return null;
  const { sources } = readMain(text, file, environment);
  return sources === null || sources.list.length === 0 ? null : sources;
}

/** The sources that settings name; nothing is asked yet. @throws SluiceError SLU_SOURCE_UNAVAILABLE (certificates) */
export function feedsOf({ list, follow }: Sources, { random, isSigned, onEvent }: OpeningDeps): Feeds {
  const draw = (): number => random.nextFloat();
  const stores = list.map((settings) => openStore(settings, draw, isSigned));
  return new Feeds({ stores, settings: follow, timers: UNREF_TIMERS, nowMs, wallTime, draw, onEvent });
}

/** Begins to ask them. @returns SLU_SOURCE_UNAVAILABLE where one has not answered in time; null: all have */
export async function startFeeds(feeds: Feeds): Promise<SluiceError | null> {
  // Nothing else keeps the process alive yet: the timers of those who follow never do.
  const alive = setInterval(() => undefined, ALIVE_MS);
  try {
    return await feeds.start();
  } finally {
    clearInterval(alive);
  }
}

/** Reads documents here, large ones in a thread of its own. */
export function parserOf(environment: Environment, log: Pick<Log, 'error'>): Parser {
  const renewal = new Renewal(createPartReader(environment));
  return new Parser({
    file: THREAD_FILE,
    setup: { environment: { ...environment } },
    parseHere: (documents) => renewal.parse(documents),
    onDeath: (because) => log.error('parser_died', { because }),
  });
}

/** The same with what the files say that it names for TLS. @param file the main document */
export function vetted(parsed: Parsed, file: string): Parsed {
  return vetFiles<Extract<Parsed, { readonly ok: true }>>(parsed, file, bothClocks().wallMs);
}

/** Null: they are in the fleet's Redis. @throws SluiceError SLU_SOURCE_UNAVAILABLE (certificates) */
export function locksOf(fleet: FleetConfig | null, sources: readonly SourceSettings[]): LockStore | null {
  if (fleet === null || fleet.lock === 'redis') return null;
  const settings = sources.find(({ kind }) => kind === fleet.lock);
  // Checked with the document.
  assert(settings !== undefined, `no source is ${fleet.lock}`);
  return openLocks(settings, fleet.name);
}
