/**
 * What each stage between a listing and a worker's table costs: for everything, and for a change of one of 10,000 routes, or of the
 * endpoints of a service that twenty of them lead to.
 *
 * `node bench/apply/stages.ts`. CPU time of the thread, so that it does not matter who else uses the machine. The mean of changes, once
 * the compiler has learned: where the kernel counts CPU time in ticks of 4 ms, a single reading says nothing.
 */

import { planOf } from '#src/health/plan.ts';
import { Random } from '#src/lib/random.ts';
import type { Config } from '#src/model/config.ts';
import type { Snapshot } from '#src/model/snapshot.ts';
import { applyEdits, editsOf } from '#src/model/threads/parsing/edits.ts';
import { changedSnapshot, changeOf } from '#src/proxy/decide/link/replica.ts';
import { linkTable, type RouteTable } from '#src/proxy/decide/table.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { RevisionGuard } from '#src/slo/rollout/revision/guard.ts';
import { NO_COUNTS } from '#src/slo/rollout/revision/record.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { driftsOf } from '#src/snapshot/drifts.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { hashConfig } from '#src/snapshot/hash.ts';
import { objectivesOf } from '#src/snapshot/objectives.ts';
import { changedRoutes, type Guarded, guardedCells } from '#src/snapshot/revisions/changed.ts';
import { rolloutsOf } from '#src/snapshot/rollouts.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { mainDocument, type SourceDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';
import { changesOf, hashOfPieces, withSame } from '#src/sources/follow/guard.ts';
import { Renewal } from '#src/sources/follow/renewal.ts';
import { mountOf, type Piece } from '#src/sources/follow/source.ts';
import { manyRoutes, nameOf, routeText } from '../../test/support/stores/fill.ts';

const ROUTES = 10_000;
const SERVICES = Math.ceil(ROUTES / 20);
const CHANGES = 115;
const WARM_UP = 15;
const MAIN = mainDocument('sources: [{directory: {path: /none}}]\n', 'main.yaml');
const BALANCE = { capacities: createEndpointDials(), random: new Random(1) };

type Phase = 'all' | 'route' | 'service';

let phase: Phase = 'all';
const times = new Map<string, Record<Phase, number[]>>();

function timed<T>(stage: string, run: () => T): T {
  const before = process.threadCpuUsage();
  const result = run();
  const { user, system } = process.threadCpuUsage(before);
  const known = times.get(stage) ?? { all: [], route: [], service: [] };
  times.set(stage, known);
  known[phase].push((user + system) / 1000);
  return result;
}

const renewal = new Renewal(createPartReader({}));
const documentOf = new WeakMap<Piece, SourceDocument>();
const dials = createDials();
const store = new Store({ file: 'main.yaml', dials, wallTime: () => '', mayRecycle: () => false });
const endpoints: Endpoint[] = [];
const guard = new RevisionGuard<Config>(() => NO_COUNTS);
let guarded: Guarded | null = null;
let pieces: readonly Piece[] = [];
let told: readonly SourceDocument[] = [];
let taken: readonly SourceDocument[] = [];
let held: Snapshot | null = null;
let sent: Snapshot | null = null;
let table: RouteTable | null = null;

function take(listed: readonly Piece[]): void {
  const before = pieces;
  pieces = timed('compare and hash the listing', () => {
    const same = withSame(before, listed);
    changesOf(before, same);
    hashOfPieces(same);
    return same;
  });
  const all = [MAIN, ...pieces.map(toDocument)];
  const from = told;
  told = all;
  taken = timed('documents to the thread that parses', () => applyEdits(taken, structuredClone(editsOf(from, all))));
  const parsed = timed('parse, check, build (thread)', () => renewal.parse(taken));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems[0]));
  const hash = timed('hash the configuration (thread)', () => hashConfig(parsed.config));
  const offer = timed('compile, set dials', () => store.offer({ ...parsed, hash }));
  if (offer.kind !== 'swapped') throw new Error(offer.kind);
  follow(offer.current, offer.before);
  send(offer.current.snapshot);
}

function follow({ config, snapshot }: Current, before: Current | null): void {
  timed('guard of revisions', () => {
    guarded = guardedCells(snapshot, config, guarded);
    guard.follow(guarded.routes, 0);
    if (before !== null) guard.begin(changedRoutes(before.config, config), before.config, 0);
  });
  timed('plans of health and objectives', () => [
    planOf(config, snapshot),
    objectivesOf(config, snapshot),
    rolloutsOf(config, snapshot),
    driftsOf(config, snapshot),
  ]);
}

function send(snapshot: Snapshot): void {
  const before = sent;
  sent = snapshot;
  const last = held;
  held = timed('snapshot to a worker', () => {
    if (before === null || last === null) return structuredClone(snapshot);
    return changedSnapshot(last, structuredClone(changeOf(before, snapshot)));
  });
  const now = held as Snapshot;
  table = timed('link (worker)', () => linkTable(now, (id) => endpointOf(now, id), BALANCE, { before: table }));
}

function toDocument(piece: Piece): SourceDocument {
  const made = documentOf.get(piece) ?? { ...piece, source: 1, isForeign: true };
  documentOf.set(piece, made);
  return made;
}

function endpointOf({ endpoints: specs }: Snapshot, id: number): Endpoint {
  const { host, port } = specs[id] as Endpoint;
  endpoints[id] ??= new Endpoint(id, host, port);
  return endpoints[id];
}

const ports = Array.from({ length: SERVICES }, (_, n) => 7000 + n);
const texts = new Map(manyRoutes(ROUTES, ports));

function turn(): void {
  const fresh = [...texts].map(([key, text]) => ({ name: key, mount: mountOf(key, '') as Piece['mount'], text }));
  take(fresh.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
}

turn();
phase = 'route';
for (let n = 1; n <= CHANGES; n++) {
  const route = (n * 7919) % ROUTES;
  texts.set(`routes/${nameOf(route)}`, routeText(route, SERVICES, 60 + n));
  turn();
}
phase = 'service';
for (let n = 1; n <= CHANGES; n++) {
  texts.set(`services/s${n}`, `versions: {v1: {endpoints: ["127.0.0.1:${9000 + n}"]}}\n`);
  turn();
}

console.log('stage                                  everything ms    one route ms  one service ms');
for (const [stage, { all, route, service }] of times) {
  const mean = (of: readonly number[]): number => {
    const learned = of.slice(WARM_UP);
    return learned.reduce((sum, ms) => sum + ms, 0) / learned.length;
  };
  const [everything = 0] = all;
  const cells = [everything.toFixed(0), mean(route).toFixed(1), mean(service).toFixed(1)];
  console.log(stage.padEnd(36) + cells.map((cell) => cell.padStart(16)).join(''));
}
