/**
 * Parses documents again and again: where few routes are others than before, these alone are read, checked and built.
 *
 * ```
 * documents ─▶ only routes are others? ─ yes ─▶ parse them with what they refer to ─▶ sound, and nothing said ─▶ put in their places
 *                     └ no ──▶ parse everything ◀── anything else, or a change that another route could be about ─┘
 * ```
 * What is said of routes together (names, matches that two have, how many counters there are, services that nobody uses, paths that
 * others take) is the same as before, or is found out by parsing everything. Problems and warnings are never made here. The
 * result is that of `parseDocuments`.
 */

import type { Config, RouteConfig } from '../../model/config.ts';
import { servicesOf } from '../checks/references.ts';
import { matchKeysOf } from '../checks/route/matches.ts';
import { isLookedAt } from '../checks/unreachable.ts';
import { isMapping, PIECES_BYTES_MAX, type SourceDocument } from '../document/pieces.ts';
import type { PartReader } from '../document/reader.ts';
import { type Parsed, parseDocuments } from '../parse.ts';
import type { RouteInput } from '../schema.ts';

/** More are sooner parsed with everything. */
const CHANGED_MAX = 16;

type Sound = Extract<Parsed, { readonly ok: true }>;

/** The configuration of before, without warnings, and what it was made of. */
interface Last {
  documents: readonly SourceDocument[];
  parsed: Sound;
  /** Made when they are asked for first. */
  facts: Facts | null;
}

/** What is to be known of all routes. */
interface Facts {
  readonly indexes: ReadonlyMap<string, number>;
  /** Of their matches (checks/route/matches.ts): no two routes have the same. */
  readonly keys: Set<string>;
  readonly weighed: ReadonlySet<string>;
  bytes: number;
}

/** A route document that took the place of another one. */
interface Replaced {
  readonly document: SourceDocument;
  readonly before: RouteInput;
  readonly after: RouteInput;
  /** How much longer it is. */
  readonly bytesMore: number;
}

/** Parses the documents of one configuration as they change. */
export class Renewal {
  readonly #reader: PartReader;
  #last: Last | null = null;
  /** The last time, few routes alone were parsed. */
  hasRenewed = false;

  constructor(reader: PartReader) {
    this.#reader = reader;
  }

  /** As `parseDocuments`. Cost: O(documents) comparisons and what changed, or everything. */
  parse(documents: readonly SourceDocument[]): Parsed {
    const renewed = this.#last === null ? null : this.#renew(this.#last, documents);
    this.hasRenewed = renewed !== null;
    if (renewed !== null) return renewed;
    const parsed = parseDocuments(documents, this.#reader.read, this.#reader.known);
    this.#last = null;
    // What was warned of would have to be said again, of places that may have moved.
    if (parsed.ok && parsed.warnings.length === 0 && parsed.config.routes.every(isAlone)) {
      this.#last = { documents, parsed, facts: null };
    }
    return parsed;
  }

  /** Null: everything has to be parsed. */
  #renew(last: Last, documents: readonly SourceDocument[]): Parsed | null {
    const changed = this.#replaced(last, documents);
    if (changed === null) return null;
    last.facts ??= factsOf(last.documents, last.parsed.config.routes);
    const { facts } = last;
    const bytes = changed.reduce((sum, { bytesMore }) => sum + bytesMore, facts.bytes);
    if (bytes > PIECES_BYTES_MAX || !changed.every(isLikeBefore)) return null;
    const routes = this.#build(changed, documents);
    if (routes === null || !routes.every(isAlone)) return null;
    const all = [...last.parsed.config.routes];
    for (const route of routes) {
      const index = facts.indexes.get(route.name);
      if (index === undefined || facts.weighed.has(route.name)) return null;
      all[index] = route;
    }
    if (!moveKeys(facts.keys, last.parsed.config.routes, routes, facts.indexes)) {
      this.#last = null;
      return null;
    }
    facts.bytes = bytes;
    last.documents = documents;
    last.parsed = { ...last.parsed, config: { ...last.parsed.config, routes: all } };
    return last.parsed;
  }

  /** Null: something else than few routes is another. */
  #replaced({ documents: former }: Last, documents: readonly SourceDocument[]): Replaced[] | null {
    if (former.length !== documents.length) return null;
    const replaced: Replaced[] = [];
    for (let n = 0; n < documents.length; n++) {
      const [was, document] = [former[n] as SourceDocument, documents[n] as SourceDocument];
      if (was === document) continue;
      const isRoute = was.mount.kind === 'route' && document.mount.kind === 'route';
      if (!isRoute || was.name !== document.name || was.source !== document.source) return null;
      const [old, now] = [this.#reader.read(was), this.#reader.read(document)];
      if (!now.isReadable || now.faults.length > 0 || !isMapping(now.value)) return null;
      const bytesMore = Buffer.byteLength(document.text) - Buffer.byteLength(was.text);
      const [before, after] = [old.value as RouteInput, now.value as RouteInput];
      replaced.push({ document, before, after, bytesMore });
      if (replaced.length > CHANGED_MAX) return null;
    }
    return replaced;
  }

  /** The routes, parsed with what they refer to and with whatever is no route or service by itself; null: there is more to say. */
  #build(changed: readonly Replaced[], documents: readonly SourceDocument[]): readonly RouteConfig[] | null {
    const names = new Set(changed.flatMap(({ after }) => servicesOf(after)));
    const others = documents.filter(({ mount }) => {
      if (mount.kind === 'service') return names.has(mount.name);
      return mount.kind === 'main' || mount.kind === 'root';
    });
    const some = [...others, ...changed.map(({ document }) => document)];
    const parsed = parseDocuments(some, this.#reader.read, this.#reader.known);
    if (!parsed.ok || parsed.warnings.length > 0) return null;
    const wanted = new Set(changed.map(({ after }) => after.name));
    return parsed.config.routes.filter(({ name }) => wanted.has(name));
  }
}

function factsOf(documents: readonly SourceDocument[], routes: Config['routes']): Facts {
  const weighed = documents.flatMap(({ mount }) => (mount.kind === 'weights' ? [mount.name] : []));
  return {
    indexes: new Map(routes.map(({ name }, index) => [name, index])),
    keys: new Set(routes.flatMap((route) => matchKeysOf(route).flat())),
    weighed: new Set(weighed),
    bytes: documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
  };
}

/** Whether no other route has a say in what this one is warned of. */
function isAlone({ filters, matches }: RouteConfig): boolean {
  return filters.redirect === null && !matches.some(({ method, path }) => isLookedAt(method ?? '', path.type));
}

/** Whether the route counts as before in everything that is counted, or asked, over all routes. */
function isLikeBefore({ before, after }: Replaced): boolean {
  const [old, now] = [shareOf(before), shareOf(after)];
  return old.length === now.length && old.every((one, index) => one === now[index]);
}

/** What a route adds to what is said of all of them: counters, sections that count only where some route needs them, services. */
function shareOf(route: RouteInput): readonly unknown[] {
  const { backendRefs, fallback, rollout, idempotency, value } = route;
  const rescuers = fallback?.filter(({ service }) => service !== undefined).length ?? 0;
  return [backendRefs?.length, rescuers, rollout === undefined, idempotency === undefined, value, ...servicesOf(route)];
}

/** Takes the keys of routes over; false: another route has one of them, and the keys are worth nothing any more. */
function moveKeys(
  keys: Set<string>,
  before: Config['routes'],
  routes: readonly RouteConfig[],
  indexes: Facts['indexes'],
): boolean {
  for (const { name } of routes) {
    const old = before[indexes.get(name) as number] as RouteConfig;
    for (const key of matchKeysOf(old).flat()) keys.delete(key);
  }
  for (const route of routes) {
    for (const key of matchKeysOf(route).flat()) {
      if (keys.has(key)) return false;
      keys.add(key);
    }
  }
  return true;
}
