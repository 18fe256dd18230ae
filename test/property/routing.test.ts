/**
 * Routing against a slow obvious reading of Gateway API: the same rule for random tables and requests, however often a request comes.
 *
 * A full run tries 100,000 pairs, a quick one stops after its share of time. FUZZ_SEED replays a run.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { HeaderMatch, QueryMatch, RouteMatch } from '#src/model/config.ts';
import { linkTable } from '#src/proxy/decide/table.ts';
import { readMemory } from '#src/proxy/wire/memory/memory.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { fuzzMs, fuzzSeed } from '../support/http/fuzz/mutate.ts';
import { type RouteSketch, sketchSnapshot } from '../support/plane.ts';
import { readHead } from '../support/proxy/parts.ts';
import { IS_QUICK } from '../support/runner/depth.ts';

const BALANCE = { capacities: createEndpointDials(), random: new Random(1) };
const SEED = fuzzSeed();
const PAIRS = 100_000;
/** Also in a quick run on a machine that is busy with other things. */
const PAIRS_MIN = 1000;
const REQUESTS_PER_TABLE = 20;
/** The third time a request line is known, and the fourth its rule, where nothing else has a say. */
const TURNS = 4;

interface Request {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
}

// ── the reference ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Candidate {
  readonly name: string;
  readonly hostname: string;
  readonly match: RouteMatch;
  readonly order: number;
}

function hostMatches(hostname: string, host: string): boolean {
  if (hostname === '') return true;
  return hostname.startsWith('*.') ? host.endsWith(hostname.slice(1)) && host !== hostname.slice(1) : hostname === host;
}

function pathMatches({ type, value }: RouteMatch['path'], path: string): boolean {
  if (type === 'Exact') return path === value;
  if (type === 'RegularExpression') return new RegExp(`^(?:${value})$`).test(path);
  const wanted = value.split('/').filter((segment, i) => i === 0 || segment !== '');
  return wanted.every((segment, i) => path.split('/')[i] === segment);
}

function valueMatches({ type, value }: HeaderMatch | QueryMatch, actual: string | null): boolean {
  if (actual === null) return false;
  return type === 'Exact' ? actual === value : new RegExp(`^(?:${value})$`).test(actual);
}

function headerOf(request: Request, name: string): string | null {
  const values = request.headers.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}

function matches({ hostname, match }: Candidate, request: Request): boolean {
  const parameters = new URL(`http://x${request.path}${request.query}`).searchParams;
  return (
    hostMatches(hostname, request.host) &&
    pathMatches(match.path, request.path) &&
    (match.method === null || match.method === request.method) &&
    match.headers.every((condition) => valueMatches(condition, headerOf(request, condition.name))) &&
    match.query.every((condition) => valueMatches(condition, parameters.get(condition.name)))
  );
}

/** What counts first stands first; a higher number wins. */
function rankOf({ hostname, match, order }: Candidate): number[] {
  const { type, value } = match.path;
  return [
    hostname === '' ? 0 : hostname.startsWith('*.') ? 1 : 2,
    hostname.length,
    type === 'Exact' ? 2 : type === 'PathPrefix' ? 1 : 0,
    type === 'PathPrefix' ? value.replace(/\/+$/, '').length : 0,
    match.method === null ? 0 : 1,
    match.headers.length,
    match.query.length,
    -order,
  ];
}

function naive(routes: readonly RouteSketch[], request: Request): string | null {
  let order = 0;
  const candidates = routes.flatMap(({ name = '', hostnames = [], matches: list = [] }) =>
    list.flatMap((match) => {
      order++;
      return (hostnames.length === 0 ? [''] : hostnames).map((hostname) => ({ name, hostname, match, order }));
    }),
  );
  const [best] = candidates
    .filter((candidate) => matches(candidate, request))
    .toSorted((a, b) => {
      const [ranksA, ranksB] = [rankOf(a), rankOf(b)];
      const differs = ranksA.findIndex((rank, i) => rank !== ranksB[i]);
      return differs < 0 ? 0 : (ranksB[differs] as number) - (ranksA[differs] as number);
    });
  return best?.name ?? null;
}

// ── random tables and requests from few words, so that they meet ──────────────────────────────────────────────────────

const HOSTS = ['a.test', 'b.test', 'x.a.test', 'y.x.a.test', 'test', 'other'];
const HOSTNAMES = ['a.test', 'b.test', 'x.a.test', '*.test', '*.a.test', '*.x.a.test', 'other'];
const SEGMENTS = ['a', 'b', 'ab', 'c%2Bd', '1', '22'];
const PATTERNS = ['/[ab]', '/a/.*', '/(a|b)/[0-9]+', '/.*', '/a*b', '/ab?/1', '(/[a-z]+)+', '/a+/b{2}', '/'];
const METHODS = ['GET', 'POST', 'DELETE'];
const NAMES = ['x-one', 'x-two', 'x-three'];
const VALUES = ['1', '2', 'yes', 'a, b'];
const VALUE_PATTERNS = ['[0-9]', 'y.*', '1|2', '.*', 'a, b', ''];
const PARAMETERS = ['p', 'q', 'p q', 'ü', '__proto__'];
const QUERY_VALUES = ['1', '2', '', 'a b', 'ü', '%'];
const QUERY_WORDS = ['1', '2', 'a+b', 'a%20b', '%C3%BC', '%', '%zz', '1&2', 'x=y', ''];
const QUERY_NAMES = ['p', 'q', 'p+q', 'p%20q', '%70', '%C3%BC', '__proto__', '', 'p='];

class Chance {
  readonly #random: Random;
  constructor(seed: number) {
    this.#random = new Random(seed);
  }
  below(count: number): number {
    return this.#random.nextUint32() % count;
  }
  one<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
  /** Up to `max` of what `make` makes; none most often. */
  some<T>(max: number, make: () => T): T[] {
    return Array.from({ length: Math.max(0, this.below(max + 2) - 1) }, make);
  }
}

function randomPath(chance: Chance): string {
  const path = chance.some(3, () => `/${chance.one(SEGMENTS)}`).join('');
  return path === '' || chance.below(5) === 0 ? `${path}/` : path;
}

function randomConditions(chance: Chance, names: readonly string[], values: readonly string[]): HeaderMatch[] {
  const conditions = chance.some(2, () => {
    const isPattern = chance.below(3) === 0;
    const type: HeaderMatch['type'] = isPattern ? 'RegularExpression' : 'Exact';
    return { name: chance.one(names), type, value: chance.one(isPattern ? VALUE_PATTERNS : values) };
  });
  return conditions.filter(({ name }, i) => conditions.findIndex((other) => other.name === name) === i);
}

function randomMatch(chance: Chance): RouteMatch {
  const type = chance.one(['Exact', 'PathPrefix', 'PathPrefix', 'RegularExpression'] as const);
  return {
    path: { type, value: type === 'RegularExpression' ? chance.one(PATTERNS) : randomPath(chance) },
    method: chance.below(3) === 0 ? chance.one(METHODS) : null,
    headers: randomConditions(chance, NAMES, VALUES),
    query: randomConditions(chance, PARAMETERS, QUERY_VALUES),
  };
}

/** Now and then a table of one path, so that its list is long enough to be filed. */
function randomTable(chance: Chance): RouteSketch[] {
  const shared = chance.below(3) === 0 ? { type: 'PathPrefix' as const, value: '/' } : null;
  return Array.from({ length: 1 + chance.below(shared === null ? 12 : 40) }, (_, i) => ({
    name: `r${i}`,
    hostnames:
      shared === null || chance.below(4) === 0 ? [...new Set(chance.some(2, () => chance.one(HOSTNAMES)))] : [],
    matches: Array.from({ length: 1 + chance.below(3) }, () => {
      const match = randomMatch(chance);
      return shared === null ? match : { ...match, path: shared };
    }),
    versions: [],
  }));
}

function randomRequest(chance: Chance): Request {
  const pairs = chance.some(4, () => `${chance.one(QUERY_NAMES)}=${chance.one(QUERY_WORDS)}`);
  return {
    method: chance.one(METHODS),
    host: chance.one(HOSTS),
    path: randomPath(chance),
    query: pairs.length === 0 ? '' : `?${pairs.join('&')}`,
    headers: chance.some(3, () => [chance.one(['X-One', 'x-two', 'X-THREE']), chance.one(VALUES)] as const),
  };
}

function textOf({ method, host, path, query, headers }: Request): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${method} ${path}${query} HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`;
}

function noEndpoint(): never {
  throw new Error('these routes have no versions');
}

describe(`random tables and requests (FUZZ_SEED=${SEED})`, () => {
  it('are routed as the reference routes them', (t) => {
    const chance = new Chance(SEED);
    const endsAt = performance.now() + fuzzMs();
    let pairs = 0;
    let routed = 0;
    let kept = 0;
    while (pairs < PAIRS && (!IS_QUICK || pairs < PAIRS_MIN || performance.now() < endsAt)) {
      const routes = randomTable(chance);
      const table = linkTable(sketchSnapshot({ routes }), noEndpoint, BALANCE);
      for (let n = 0; n < REQUESTS_PER_TABLE; n++) {
        const request = randomRequest(chance);
        const expected = naive(routes, request);
        for (let turn = 0; turn < TURNS; turn++) {
          const head = readHead(table, textOf(request), readMemory);
          const found = table.router.match(head, head.path, head.method)?.route.name ?? null;
          assert.equal(found, expected, `FUZZ_SEED=${SEED}, turn ${turn}: ${JSON.stringify({ request, routes })}`);
          if (head.line !== null && head.line.rule !== null) kept++;
        }
        pairs++;
        if (expected !== null) routed++;
      }
    }
    t.diagnostic(`${pairs} pairs, ${routed} routed, ${kept} rules kept with their lines`);
    assert.ok(routed > 0 && routed < pairs && kept > 0);
  });
});
