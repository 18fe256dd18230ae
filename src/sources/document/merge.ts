/**
 * Merges documents into one value, and finds every path of it again in the document that it came from.
 *
 * ```
 * precedence   the main document, then the sources in the order of `sources`; inside a source by name
 * services     by name; routes: by name, in the order of their documents; any other field: as a whole
 * weights      by route, whichever source the route is in
 * twice        in one source: a fault (nobody could say which one is meant)
 *              in two: the earlier one counts, and a warning says so
 * ```
 * A document that cannot be read takes its route or service out of the checks, so that it is the only one to be told of.
 */

import { once } from '../../lib/once.ts';
import { similarTo } from '../../lib/text/similar.ts';
import { didYouMean, type Fault, quote } from '../problems/fault.ts';
import type { Locator, Path, Position } from '../problems/report.ts';
import type { Part } from './part.ts';
import { FILE_ONLY, isMapping } from './pieces.ts';
import { findValue, type PlacedFault } from './read.ts';
import type { RouteWeights } from './weights/weights.ts';

/** Several documents as one. Paths are those of the merged value. */
export interface Merged {
  readonly value: unknown;
  readonly faults: readonly PlacedFault[];
  readonly warnings: readonly PlacedFault[];
  readonly locator: Locator;
  /** The weights documents that count. */
  readonly weights: readonly RouteWeights[];
  /** Where a path of one of the parts is in the merged value; the nearest thing to it that is there. */
  pathOf(order: number, path: Path): Path;
  /** A place in one of the parts. */
  placeOf(order: number, path: Path, position: Position): Position;
}

/** Where a thing of the merged value came from. */
interface Owner {
  readonly order: number;
  /** Its path there. */
  readonly base: Path;
}

/** Merges what was read; the main document comes first. */
export function mergeParts(parts: readonly Part[]): Merged {
  const [main] = parts as [Part];
  const isSourced = isMapping(main.value) && main.value['sources'] !== undefined;
  if (!isSourced) return alone(main);
  const merge = new Merge(parts);
  for (const order of parts.keys()) merge.add(order);
  return merge.merged();
}

function alone({ value, locator }: Part): Merged {
  const itself = (_order: number, path: Path): Path => path;
  return {
    value,
    faults: [],
    warnings: [],
    locator,
    weights: [],
    pathOf: itself,
    placeOf: (_order, _path, position) => position,
  };
}

class Merge {
  readonly #parts: readonly Part[];
  readonly #value: Record<string, unknown> = {};
  readonly #services: Record<string, unknown> = {};
  readonly #routes: unknown[] = [];
  readonly #sectionOwners = new Map<string, Owner>();
  readonly #serviceOwners = new Map<string, Owner>();
  readonly #routeOwners: Owner[] = [];
  readonly #routeNames = new Map<string, Owner>();
  /** Order of the weights document of each route. */
  readonly #weights = new Map<string, number>();
  /** Index among all routes, by `order index` of a list's document; made when a path is asked for. */
  readonly #routeIndexes = once(() => indexesOf(this.#routeOwners));
  readonly #faults: PlacedFault[] = [];
  readonly #warnings: PlacedFault[] = [];
  /** Nobody knows what else there would be. */
  #isIncomplete: boolean;

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
    this.#isIncomplete = parts[0]?.faults.some(({ path: [section] }) => section === 'sources') === true;
  }

  add(order: number): void {
    const { document, isReadable, value } = this.#parts[order] as Part;
    const { mount } = document;
    // Of a gateway without keys: it has nothing to verify it with.
    if (mount.kind === 'signature') return;
    if (mount.kind === 'ignored') {
      const expected = 'config, routes/<name>, services/<name>, weights/<route> or signatures/… after the prefix';
      this.#warn({ order, base: [] }, [], { kind: 'pieceIgnored', expected, got: 'another key' }, NOWHERE);
    } else if (mount.kind === 'route') this.#addRoute(isReadable ? value : null, { order, base: [] }, mount.name);
    else if (mount.kind === 'weights') this.#addWeights(mount.name, { order, base: [] });
    else if (mount.kind === 'service') this.#addService(mount.name, isReadable ? value : null, { order, base: [] });
    else if (isReadable && isMapping(value)) this.#addRoot(value, order);
    // Nobody knows what it would have held.
    else this.#isIncomplete = true;
  }

  merged(): Merged {
    this.#value['services'] ??= this.#services;
    this.#value['routes'] ??= this.#routes;
    if (this.#routes.length === 0 && !this.#isIncomplete && this.#value['routes'] === this.#routes) {
      const hint = 'without one every request would be answered with 404';
      const expected = 'at least one route, here or in a source';
      this.#fault({ order: 0, base: ['sources'] }, ['routes'], { kind: 'emptyList', expected, got: 'none', hint });
    }
    const weights = this.#weightsThatCount();
    // Services may be in a document that cannot be read: nobody is told that they do not exist.
    if (this.#isIncomplete) this.#faults.push({ position: NOWHERE, path: ['services'], fault: UNKNOWN });
    return {
      value: this.#value,
      faults: this.#faults,
      warnings: this.#warnings,
      locator: {
        locate: (path, spot) => {
          const { order, base } = this.#ownerOf(path);
          return this.placeOf(order, base, (this.#parts[order] as Part).locator.locate(base, spot));
        },
        valueAt: (path) => findValue(this.#value, path),
      },
      weights,
      pathOf: (order, path) => this.#pathOf(order, path),
      placeOf: (order, path, position) => this.placeOf(order, path, position),
    };
  }

  placeOf(order: number, path: Path, { line, column }: Position): Position {
    return { line, column, piece: { name: (this.#parts[order] as Part).document.name, order, path } };
  }

  #addRoot(value: Record<string, unknown>, order: number): void {
    for (const [field, content] of Object.entries(value)) {
      if (order > 0 && FILE_ONLY.has(field)) {
        const hint = 'it belongs into the file that the gateway is started with';
        const fault: Fault = { kind: 'fileOnly', expected: 'a field that sources may set', got: quote(field), hint };
        this.#fault({ order, base: [field] }, [field], fault);
      } else if (field === 'services' && isMapping(content)) {
        for (const [name, service] of Object.entries(content)) {
          this.#addService(name, service, { order, base: ['services', name] });
        }
      } else if (field === 'routes' && Array.isArray(content)) {
        for (const [index, route] of content.entries()) {
          const name = isMapping(route) && typeof route['name'] === 'string' ? route['name'] : null;
          this.#addRoute(route, { order, base: ['routes', index] }, name);
        }
      } else this.#addSection(field, content, { order, base: [field] });
    }
  }

  #addSection(field: string, content: unknown, owner: Owner): void {
    const first = this.#sectionOwners.get(field);
    if (first !== undefined) {
      this.#tellTwice(first, owner, [field], quote(field));
      return;
    }
    this.#value[field] = content;
    this.#sectionOwners.set(field, owner);
  }

  #addService(name: string, service: unknown, owner: Owner): void {
    const first = this.#serviceOwners.get(name);
    if (first !== undefined) {
      this.#tellTwice(first, owner, ['services', name], `service ${quote(name)}`);
      return;
    }
    Object.defineProperty(this.#services, name, { value: service, enumerable: true });
    this.#serviceOwners.set(name, owner);
  }

  /** Routes of one source that have the same name stay both: the checks tell of them. */
  #addRoute(route: unknown, owner: Owner, name: string | null): void {
    const first = name === null ? undefined : this.#routeNames.get(name);
    if (first !== undefined && this.#sourceOf(first) !== this.#sourceOf(owner)) {
      this.#tellTwice(first, owner, ['routes'], `route ${quote(name ?? '')}`);
      return;
    }
    if (name !== null && first === undefined) this.#routeNames.set(name, owner);
    this.#routes.push(route);
    this.#routeOwners.push(owner);
  }

  #addWeights(route: string, owner: Owner): void {
    const first = this.#weights.get(route);
    if (first === undefined) this.#weights.set(route, owner.order);
    else this.#tellTwice({ order: first, base: [] }, owner, ['weights', route], `weights of route ${quote(route)}`);
  }

  /** Those of routes that exist; weights of nothing are a fault, unless the route may be in what cannot be read. */
  #weightsThatCount(): RouteWeights[] {
    return [...this.#weights].flatMap(([route, order]) => {
      const { order: routeOrder, base } = this.#routeNames.get(route) ?? { order: -1, base: [] };
      const index = this.#routeIndexes().get(`${routeOrder} ${base[1] ?? ''}`);
      if (index !== undefined) return [{ order, index, part: this.#parts[order] as Part }];
      const hint = (): string => {
        const similar = similarTo(route, this.#routeNames.keys());
        return similar === null ? 'delete it, or write the route' : didYouMean(similar);
      };
      const fault: Fault = { kind: 'weightsRoute', expected: 'a route that is defined', got: quote(route), hint };
      if (!this.#isIncomplete) this.#fault({ order, base: [] }, ['weights', route], fault);
      return [];
    });
  }

  #tellTwice(first: Owner, second: Owner, path: Path, what: string): void {
    const got = `${what}, which is in ${(this.#parts[first.order] as Part).document.name} already`;
    const isOne = this.#sourceOf(first) === this.#sourceOf(second);
    if (isOne) this.#fault(second, path, { kind: 'duplicateKey', expected: 'everything once in a source', got });
    else this.#warn(second, path, { kind: 'shadowed', expected: 'what no earlier source has', got });
  }

  #sourceOf({ order }: Owner): number {
    return (this.#parts[order] as Part).document.source;
  }

  #fault(owner: Owner, path: Path, fault: Fault): void {
    this.#faults.push({ position: this.#placeOfOwner(owner), path, fault });
  }

  #warn(owner: Owner, path: Path, fault: Fault, position = this.#placeOfOwner(owner)): void {
    this.#warnings.push({ position: this.placeOf(owner.order, owner.base, position), path, fault });
  }

  #placeOfOwner({ order, base }: Owner): Position {
    return this.placeOf(order, base, (this.#parts[order] as Part).locator.locate(base, 'key'));
  }

  /** Owner of a path, with the path in its document. */
  #ownerOf(path: Path): Owner {
    const [section = '', part, ...rest] = path;
    if (section === 'routes' && typeof part === 'number') return deeper(this.#routeOwners[part], rest, path);
    if (section === 'services' && part !== undefined) {
      return deeper(this.#serviceOwners.get(String(part)), rest, path);
    }
    const owner = this.#sectionOwners.get(String(section));
    return { order: owner?.order ?? 0, base: path };
  }

  #pathOf(order: number, path: Path): Path {
    const { mount } = (this.#parts[order] as Part).document;
    if (mount.kind === 'service') return ['services', mount.name, ...path];
    if (mount.kind === 'weights') return ['weights', mount.name, ...path];
    const isRoute = mount.kind === 'route';
    if (!isRoute && (path[0] !== 'routes' || typeof path[1] !== 'number')) return path;
    const index = this.#routeIndexes().get(`${order} ${isRoute ? '' : path[1]}`);
    return index === undefined ? [] : ['routes', index, ...path.slice(isRoute ? 0 : 2)];
  }
}

const NOWHERE: Position = { line: 0, column: 0 };
/** Never shown: it only keeps the checks from taking the services for all there are. */
const UNKNOWN: Fault = { kind: 'missing', expected: '' };

function indexesOf(owners: readonly Owner[]): ReadonlyMap<string, number> {
  return new Map(owners.map(({ order, base }, index) => [`${order} ${base[1] ?? ''}`, index]));
}

function deeper(owner: Owner | undefined, rest: Path, path: Path): Owner {
  return owner === undefined ? { order: 0, base: path } : { order: owner.order, base: [...owner.base, ...rest] };
}
