/**
 * Parses documents again and again: where few routes and services are others than before, or what they have no say in, these alone are
 * read, checked and built.
 *
 * ```
 * documents ─▶ only such? ─ yes ─▶ parse them with what they refer to ─▶ sound, and nothing said ─▶ put in their places
 *                 └ no ──▶ parse everything ◀── anything else, or a change that others have a say in ─┘
 * ```
 * What is said of routes together (names, matches that two have, how many counters there are, services that nobody uses, paths that
 * others take) is the same as before, or is found out by parsing everything. Routes look at little of a service (`seenOf`): where that
 * is another, all that refer to it are parsed with it; else one of them, so that somebody uses it. Problems and warnings are never made
 * here. The result is that of `parseDocuments`, and what says the same as before is the same object, so that a document of thousands
 * of routes in which one is another costs what comes after it, in every thread, no more than that one.
 */

import { isDeepStrictEqual } from 'node:util';
import { once } from '../../lib/once.ts';
import type { Config, RouteConfig } from '../../model/config.ts';
import { ENDPOINTS_MAX } from '../../model/tallies.ts';
import { isSame } from '../../model/threads/parsing/same.ts';
import { isListed, listedOf } from '../build/service.ts';
import { servicesOf } from '../checks/references.ts';
import { matchKeysOf } from '../checks/route/matches.ts';
import { isLookedAt } from '../checks/unreachable.ts';
import { isMapping, isWhole, type Mount, PIECES_BYTES_MAX, type SourceDocument } from '../document/pieces.ts';
import type { PartReader } from '../document/reader/reader.ts';
import { type Parsed, parseDocuments } from '../parse.ts';
import { codeOf } from '../problems/codes.ts';
import type { RouteInput, ServiceInput } from '../schema.ts';
import { differApart } from './sections.ts';

/** More are sooner parsed with everything. */
const CHANGED_MAX = 16;
/** Routes that are checked and built again because of a service. */
const REFERRING_MAX = 64;

type Sound = Extract<Parsed, { readonly ok: true }>;

/** The configuration of before, without warnings, and what it was made of. */
interface Last {
  documents: readonly SourceDocument[];
  parsed: Sound;
  /** Made when they are asked for first. */
  facts: Facts | null;
}

/** What is to be known of all routes and services. */
interface Facts {
  /** Places in the configuration, by name. */
  readonly routes: ReadonlyMap<string, number>;
  readonly services: ReadonlyMap<string, number>;
  /** Of the matches of routes (checks/route/matches.ts): no two have the same. */
  readonly keys: Set<string>;
  readonly weighed: ReadonlySet<string>;
  /** Places of the documents of routes, by the services that they refer to. */
  readonly referring: () => ReadonlyMap<string, readonly number[]>;
  bytes: number;
  /** Of all services; of these fewer may be different. */
  endpoints: number;
}

/** A document that took the place of another one of its kind. */
interface Replaced<T> {
  readonly document: SourceDocument;
  readonly before: T;
  readonly after: T;
}

interface Changes {
  readonly routes: readonly Replaced<RouteInput>[];
  readonly services: readonly Replaced<ServiceInput>[];
  /** Of whole documents, sections that routes and services have no say in. */
  readonly hasSections: boolean;
  /** How much longer the documents are. */
  readonly bytes: number;
}

/** Parses the documents of one configuration as they change. */
export class Renewal {
  readonly #reader: PartReader;
  #last: Last | null = null;
  /** What was built last. */
  #built: Pick<Config, 'services' | 'routes'> = { services: [], routes: [] };
  /** The last time, few routes and services alone were parsed. */
  hasRenewed = false;

  constructor(reader: PartReader) {
    this.#reader = reader;
  }

  /** As `parseDocuments`. Cost: O(documents) comparisons and what changed, or everything. */
  parse(documents: readonly SourceDocument[]): Parsed {
    const renewed = this.#last === null ? null : this.#renew(this.#last, documents);
    this.hasRenewed = renewed !== null;
    if (renewed !== null) return renewed;
    this.#reader.keep(documents);
    const fresh = parseDocuments(documents, this.#reader.read, this.#reader.known);
    this.#last = null;
    if (!fresh.ok) return fresh;
    const { services, routes } = this.#built;
    const parsed = {
      ...fresh,
      config: {
        ...fresh.config,
        services: withSame(services, fresh.config.services),
        routes: withSame(routes, fresh.config.routes),
      },
    };
    this.#built = parsed.config;
    // What was warned of would have to be said again, of places that may have moved.
    if (parsed.warnings.length === 0 && parsed.config.routes.every(isAlone)) {
      this.#last = { documents, parsed, facts: null };
    }
    return parsed;
  }

  /** Null: everything has to be parsed. */
  #renew(last: Last, documents: readonly SourceDocument[]): Parsed | null {
    const changes = this.#changes(last, documents);
    if (changes === null || !changes.routes.every(isLikeBefore) || !changes.services.every(countsAsBefore)) return null;
    last.facts ??= this.#factsOf(last);
    const { facts } = last;
    const bytes = facts.bytes + changes.bytes;
    const endpoints = changes.services.reduce((sum, one) => sum + addedBy(one), facts.endpoints);
    if (bytes > PIECES_BYTES_MAX || endpoints > ENDPOINTS_MAX) return null;
    const { config } = last.parsed;
    const built = this.#build(changes, documents, facts);
    if (built === null || !built.routes.every(isAlone)) return null;
    if (!moveKeys(facts.keys, config.routes, built.routes, facts.routes)) {
      this.#last = null;
      return null;
    }
    Object.assign(facts, { bytes, endpoints });
    last.documents = documents;
    const services = inPlaces(config.services, built.services, facts.services);
    const routes = inPlaces(config.routes, built.routes, facts.routes);
    const sections = changes.hasSections ? withAnswersOf(config, built) : config;
    last.parsed = { ...last.parsed, config: { ...sections, services, routes } };
    this.#built = last.parsed.config;
    return last.parsed;
  }

  /** Null: something else than few routes and services, and what they have no say in, is another. */
  #changes({ documents: former }: Last, documents: readonly SourceDocument[]): Changes | null {
    if (former.length !== documents.length) return null;
    const [routes, services]: [Replaced<RouteInput>[], Replaced<ServiceInput>[]] = [[], []];
    let hasSections = false;
    let bytes = 0;
    for (const n of differing(former, documents)) {
      const [was, document] = [former[n] as SourceDocument, documents[n] as SourceDocument];
      const values = this.#valuesOf(was, document);
      if (values === null) return null;
      bytes += Buffer.byteLength(document.text) - Buffer.byteLength(was.text);
      const { kind } = document.mount;
      if (kind === 'route') routes.push({ document, ...values } as Replaced<unknown> as Replaced<RouteInput>);
      else if (kind === 'service')
        services.push({ document, ...values } as Replaced<unknown> as Replaced<ServiceInput>);
      else if (differApart(values.before, values.after)) hasSections = true;
      else return null;
      if (routes.length + services.length > CHANGED_MAX) return null;
    }
    return { routes, services, hasSections, bytes };
  }

  /** What a document said, and says; null: it is another one, of no kind that may be parsed by itself, or not sound. */
  #valuesOf(was: SourceDocument, document: SourceDocument): Values | null {
    if (!RENEWED.has(document.mount.kind) || document.mount.kind !== was.mount.kind) return null;
    if (was.name !== document.name || was.source !== document.source) return null;
    const [{ value: before }, now] = [this.#reader.read(was), this.#reader.read(document)];
    const isSound = now.isReadable && now.faults.length === 0;
    return isSound && isMapping(before) && isMapping(now.value) ? { before, after: now.value } : null;
  }

  /**
   * Routes and services, parsed with what they refer to and with whatever is no route or service by itself; null: there is more to say.
   * What came out as it was is the same object.
   */
  #build(
    { routes: changed, services, hasSections }: Changes,
    documents: readonly SourceDocument[],
    facts: Facts,
  ): Config | null {
    const referring = services.length === 0 ? [] : this.#referring(services, documents, facts);
    if (referring === null) return null;
    const pieces = new Set([...changed.map(({ document }) => document), ...referring]);
    const some = documents.find(({ mount }) => mount.kind === 'route' && !facts.weighed.has(mount.name));
    // A configuration has a route.
    if (hasSections && pieces.size === 0 && some !== undefined) pieces.add(some);
    const routes = [...pieces].map((document) => this.#reader.read(document).value as RouteInput);
    if (routes.some(({ name }) => facts.weighed.has(name) || !facts.routes.has(name))) return null;
    const own = new Set(services.map(nameOf));
    const inWhole = documents.filter(isWhole).flatMap((document) => routesIn(this.#reader.read(document).value));
    // What is referred to from there is seen by more routes than those.
    if (inWhole.flatMap(servicesOf).some((name) => own.has(name))) return null;
    const names = new Set([...[...routes, ...inWhole].flatMap(servicesOf), ...own]);
    const others = documents.filter(
      (one) => isWhole(one) || (one.mount.kind === 'service' && names.has(one.mount.name)),
    );
    const parsed = parseDocuments([...others, ...pieces], this.#reader.read, this.#reader.known);
    // Whether somebody uses a service is the same as before: those that do may be none of these routes.
    if (!parsed.ok || parsed.warnings.some(({ code }) => code !== UNUSED)) return null;
    const wanted = new Set(routes.map(({ name }) => name));
    return {
      ...parsed.config,
      routes: parsed.config.routes.filter(({ name }) => wanted.has(name)),
      services: parsed.config.services.filter(({ name }) => own.has(name)),
    };
  }

  /** Documents of routes that are to be parsed with services; null: too many, or none. */
  #referring(
    services: Changes['services'],
    documents: readonly SourceDocument[],
    { referring, weighed }: Facts,
  ): SourceDocument[] | null {
    const found = new Set<SourceDocument>();
    for (const service of services) {
      const places = referring().get(nameOf(service)) ?? [];
      const all = places.map((place) => documents[place] as SourceDocument);
      const isSeen = !isDeepStrictEqual(seenOf(service.before), seenOf(service.after));
      const some = isSeen ? all : all.filter(({ mount }) => !weighed.has((mount as NamedMount).name)).slice(0, 1);
      if (some.length === 0 || some.length > REFERRING_MAX) return null;
      for (const document of some) found.add(document);
    }
    return [...found];
  }

  #factsOf({ documents, parsed: { config } }: Last): Facts {
    const weighed = documents.flatMap(({ mount }) => (mount.kind === 'weights' ? [mount.name] : []));
    return {
      routes: new Map(config.routes.map(({ name }, place) => [name, place])),
      services: new Map(config.services.map(({ name }, place) => [name, place])),
      keys: new Set(config.routes.flatMap((route) => matchKeysOf(route).flat())),
      weighed: new Set(weighed),
      // Routes that come to refer to others have everything parsed, so it stays as it is.
      referring: once(() => this.#placesByService(documents)),
      bytes: documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
      endpoints: config.services.flatMap(({ versions }) => versions.flatMap(({ endpoints }) => endpoints)).length,
    };
  }

  #placesByService(documents: readonly SourceDocument[]): Map<string, number[]> {
    const places = new Map<string, number[]>();
    for (const [place, document] of documents.entries()) {
      if (document.mount.kind !== 'route') continue;
      for (const name of new Set(servicesOf(this.#reader.read(document).value as RouteInput))) {
        const known = places.get(name);
        if (known === undefined) places.set(name, [place]);
        else known.push(place);
      }
    }
    return places;
  }
}

/**
 * Places at which two lists have not the same object. A function of its own as the loop is hot and what is done with a place is not: V8 took
 * 48 to 67 ms of a core to compile both as one.
 */
function differing(before: readonly unknown[], after: readonly unknown[]): number[] {
  const places: number[] = [];
  for (let n = 0; n < after.length; n++) if (before[n] !== after[n]) places.push(n);
  return places;
}

/** Kinds of documents that may be parsed without all others. */
const RENEWED: ReadonlySet<string> = new Set<Mount['kind']>(['main', 'root', 'route', 'service']);

const UNUSED = codeOf('unusedService');

type Values = Readonly<Record<'before' | 'after', Readonly<Record<string, unknown>>>>;

function routesIn(value: unknown): readonly RouteInput[] {
  return isMapping(value) && Array.isArray(value['routes']) ? (value['routes'] as RouteInput[]) : [];
}

type NamedMount = Extract<SourceDocument['mount'], { readonly kind: 'route' | 'service' }>;

function nameOf({ document: { mount } }: Replaced<unknown>): string {
  return (mount as NamedMount).name;
}

/** Whether no other route has a say in what this one is, or is warned of. */
function isAlone({ filters, matches, rollout, led }: RouteConfig): boolean {
  if (led !== undefined || (rollout !== null && rollout.routes !== undefined)) return false;
  return filters.redirect === null && !matches.some(({ method, path }) => isLookedAt(method ?? '', path.type));
}

/** Where answers are kept is said only where some route has keys, which may be none of those that were parsed; it is as before. */
function withAnswersOf({ idempotency }: Config, built: Config): Config {
  return idempotency === undefined ? built : { ...built, idempotency };
}

/** Whether the route counts as before in everything that is counted, or asked, over all routes. */
function isLikeBefore({ before, after }: Replaced<RouteInput>): boolean {
  const [old, now] = [shareOf(before), shareOf(after)];
  return old.length === now.length && old.every((one, index) => one === now[index]);
}

/** What a route adds to what is said of all of them: counters, sections that count only where some route needs them, services. */
function shareOf(route: RouteInput): readonly unknown[] {
  const { backendRefs, fallback, rollout, idempotency, value } = route;
  const rescuers = fallback?.filter(({ service }) => service !== undefined).length ?? 0;
  return [backendRefs?.length, rescuers, rollout === undefined, idempotency === undefined, value, ...servicesOf(route)];
}

/** Whether the service counts as before in what is said of all of them: questions for endpoints, objectives that depend on breakers. */
function countsAsBefore({ before, after }: Replaced<ServiceInput>): boolean {
  const isAsked = [before, after].some(({ versions }) =>
    Object.values(versions).some((one) => !isListed(one.endpoints)),
  );
  return !isAsked && (before.breaker === undefined) === (after.breaker === undefined);
}

/** How many endpoints a service has more than before. */
function addedBy({ before, after }: Replaced<ServiceInput>): number {
  const countOf = ({ versions }: ServiceInput): number => Object.values(versions).flatMap(listedOf).length;
  return countOf(after) - countOf(before);
}

/** What routes are checked by and built of: names of versions, whether one has a second endpoint for a hedge, what needs user keys. */
function seenOf({ versions, balancer }: ServiceInput): unknown {
  return [balancer, Object.entries(versions).map(([name, version]) => [name, listedOf(version).length > 1])];
}

/** `after` with the objects of `before` where these say the same. Cost: about 2 us for each that is another object. */
function withSame<T extends { readonly name: string }>(before: readonly T[], after: readonly T[]): readonly T[] {
  const byName = once(() => new Map(before.map((item) => [item.name, item])));
  return after.map((item, place) => {
    const here = before[place];
    if (here === item) return item;
    const was = here?.name === item.name ? here : byName().get(item.name);
    return was !== undefined && isSame(was, item) ? was : item;
  });
}

/** A list with some of its items replaced, but for those that say the same. */
function inPlaces<T extends { readonly name: string }>(
  items: readonly T[],
  built: readonly T[],
  places: ReadonlyMap<string, number>,
): readonly T[] {
  const after = [...items];
  for (const one of built) {
    const place = places.get(one.name) as number;
    if (!isSame(items[place], one)) after[place] = one;
  }
  return after;
}

/** Takes the keys of routes over; false: another route has one of them, and the keys are worth nothing any more. */
function moveKeys(
  keys: Set<string>,
  before: Config['routes'],
  routes: readonly RouteConfig[],
  places: Facts['routes'],
): boolean {
  for (const { name } of routes) {
    const old = before[places.get(name) as number] as RouteConfig;
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
