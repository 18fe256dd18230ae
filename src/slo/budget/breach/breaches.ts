/**
 * Says of a breach, in words with numbers, in which phase, at which endpoint, version or dependency it happens.
 *
 * Of every route there are marks of what was counted so far, one in MARK_MS, MARKS_MAX of them. What was counted since the
 * newest one that is old enough is the breach, what was counted between the oldest one and that is the calm time before:
 *
 * ```
 *  oldest mark ─────── calm ───────▶ mark ≥ RECENT_MS ago ─── breach ──▶ now
 * ```
 * Failures are told by the share of the additional ones (attribution.ts), slowness by the share of the time that was added
 * per attempt. A breach of which nobody stands out says nothing, and neither does one without traffic.
 *
 * Readings are handed in. Cost: about 5 us per version at a mark; some hundred us when an alert fires. Memory: about 200
 * bytes per version, endpoint and mark, of routes that had traffic.
 */

import type { Reason } from '../../../model/reason.ts';
import type { SloIndicator, SloScope } from '../../../model/slo.ts';
import type { PhaseSums } from '../../totals/cell-totals.ts';
import { attribute, culpritOf, delayOf, type Member, PHASES, type Phase, phaseOfReason } from './attribution.ts';

const MARK_MS = 300_000;
const MARKS_MAX = 4;
/** A breach that began just before a mark is compared with the one before. */
const RECENT_MS = 60_000;
/** From this share of the added time on a phase is told, and from this an endpoint or a version. */
const PHASE_SHARE_MIN = 0.5;
const PLACE_SHARE_MIN = 0.8;

/** A route's versions, by the ids of the snapshot. */
export interface BreachSpec {
  readonly route: string;
  readonly versions: readonly {
    readonly service: string;
    readonly version: string;
    readonly cell: number;
    readonly endpoints: readonly { readonly id: number; readonly address: string }[];
  }[];
}

/** What the cell of a version has counted since the start. */
export interface CellReading {
  readonly finished: number;
  readonly bad: number;
  /** By reason number. */
  readonly reasons: ArrayLike<number>;
  readonly attempts: number;
  readonly phaseMs: PhaseSums;
}

/** What an endpoint has. */
export interface EndpointReading {
  readonly requests: number;
  readonly bad: number;
  readonly answered: number;
  readonly waitedMs: number;
}

export interface BreachDeps {
  readonly cellOf: (cell: number) => CellReading;
  readonly endpointOf: (id: number) => EndpointReading;
}

/** Sums since the start, or of a time: by dimension and name. `at` counts what `sumMs` belongs to. */
interface Counted {
  finished: number;
  bad: number;
  at: number;
  sumMs: number;
}

type Dimension = 'phase' | 'endpoint' | 'version' | 'dependency';
type Sums = Map<string, Counted>;

interface Mark {
  readonly atMs: number;
  readonly sums: Sums;
}

interface Watched {
  spec: BreachSpec;
  marks: Mark[];
}

export class Breaches {
  readonly #deps: BreachDeps;
  #byRoute = new Map<string, Watched>();
  #order: readonly Watched[] = [];
  #next = 0;

  constructor(deps: BreachDeps) {
    this.#deps = deps;
  }

  /** Takes in the routes of a configuration. One whose versions or endpoints changed begins anew. */
  follow(specs: readonly BreachSpec[], nowMs: number): void {
    const before = this.#byRoute;
    this.#byRoute = new Map(
      specs.map((spec) => {
        const known = before.get(spec.route);
        const isSame = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
        return [spec.route, isSame ? known : { spec, marks: [this.#mark(spec, nowMs)] }];
      }),
    );
    this.#order = [...this.#byRoute.values()];
  }

  /** Marks what is due among the next routes; call it each turn of 100 ms, so that all come round in time. */
  turn(nowMs: number): void {
    const count = Math.ceil(this.#order.length / 1000);
    for (let n = 0; n < count; n++) {
      const watched = this.#order[this.#next++ % this.#order.length] as Watched;
      if (nowMs - (watched.marks.at(-1)?.atMs ?? 0) < MARK_MS) continue;
      watched.marks = [...watched.marks, this.#mark(watched.spec, nowMs)].slice(-MARKS_MAX);
    }
  }

  /** Who is behind a breach of a route or service; empty when nobody stands out. */
  explain(
    { scope, name }: { readonly scope: SloScope; readonly name: string },
    indicator: SloIndicator,
    nowMs: number,
  ): string {
    const affected = this.#order.filter(({ spec }) =>
      scope === 'route' ? spec.route === name : spec.versions.some(({ service }) => service === name),
    );
    const { breach, calm } = this.#periodsOf(affected, nowMs);
    if (indicator === 'latency') return delaySentence(breach, calm);
    const of = (dimension: Dimension): Member[] => membersOf(dimension, breach, calm);
    const phase = of('phase');
    const culprits = attribute({ phase, endpoint: of('endpoint'), version: of('version') });
    return [...culprits.map(({ sentence }) => sentence), ...this.#dependency(affected, nowMs)].join('; ');
  }

  /** A service that fails on several routes, while other services do not. */
  #dependency(affected: readonly Watched[], nowMs: number): string[] {
    const { breach, calm } = this.#periodsOf(this.#order, nowMs);
    const culprit = culpritOf('dependency', membersOf('dependency', breach, calm));
    const isOurs = affected.some(({ spec }) => spec.versions.some(({ service }) => service === culprit?.name));
    if (culprit === null || !isOurs) return [];
    const sharing = this.#order.filter(({ spec }) => spec.versions.some(({ service }) => service === culprit.name));
    const failing = sharing.filter((watched) => {
      const { breach: own } = this.#periodsOf([watched], nowMs);
      return (own.get(`dependency ${culprit.name}`)?.bad ?? 0) > 1;
    });
    if (failing.length < 2) return [];
    const names = failing.slice(0, 3).map(({ spec }) => spec.route);
    return [`${culprit.sentence}, on ${failing.length} routes that share it (${names.join(', ')})`];
  }

  #periodsOf(watched: readonly Watched[], nowMs: number): { readonly breach: Sums; readonly calm: Sums } {
    const [breach, calm]: [Sums, Sums] = [new Map(), new Map()];
    for (const { spec, marks } of watched) {
      const [oldest] = marks;
      const since = marks.findLast(({ atMs }) => nowMs - atMs >= RECENT_MS) ?? oldest;
      if (oldest === undefined || since === undefined) continue;
      addDifference(breach, this.#mark(spec, nowMs).sums, since.sums);
      addDifference(calm, since.sums, oldest.sums);
    }
    return { breach, calm };
  }

  #mark(spec: BreachSpec, atMs: number): Mark {
    const sums: Sums = new Map();
    const add = (dimension: Dimension, name: string, more: Counted): void => addTo(sums, `${dimension} ${name}`, more);
    for (const { service, version, cell, endpoints } of spec.versions) {
      const { finished, bad, reasons, attempts, phaseMs } = this.#deps.cellOf(cell);
      if (finished + attempts === 0) continue;
      const times = timesOf(phaseMs);
      const sumMs = PHASES.reduce((sum, phase) => sum + times[phase], 0);
      add('version', `${service} ${version}`, { finished, bad, at: attempts, sumMs });
      add('dependency', service, { finished, bad, at: attempts, sumMs });
      const failed = failedBy(reasons, bad);
      for (const phase of PHASES)
        add('phase', phase, { finished, bad: failed[phase], at: attempts, sumMs: times[phase] });
      for (const { id, address } of endpoints) {
        const { requests, bad: badThere, answered, waitedMs } = this.#deps.endpointOf(id);
        add('endpoint', address, { finished: requests, bad: badThere, at: answered, sumMs: waitedMs });
      }
    }
    return { atMs, sums };
  }
}

function timesOf({ queue, connect, tls, firstByte, body }: PhaseSums): Record<Phase, number> {
  return { queue, connect, tls, 'first-byte': firstByte, body };
}

/** Bad answers of the upstream itself, which have no reason, failed by what stood in their heads. */
function failedBy(reasons: ArrayLike<number>, bad: number): Record<Phase, number> {
  const failed = { queue: 0, connect: 0, tls: 0, 'first-byte': 0, body: 0 };
  let explained = 0;
  for (let reason = 0; reason < reasons.length; reason++) {
    const phase = phaseOfReason(reason as Reason);
    if (phase === null) continue;
    failed[phase] += reasons[reason] as number;
    explained += reasons[reason] as number;
  }
  failed['first-byte'] += Math.max(0, bad - explained);
  return failed;
}

function addTo(sums: Sums, key: string, { finished, bad, at, sumMs }: Counted): void {
  const sum = sums.get(key);
  if (sum === undefined) {
    sums.set(key, { finished, bad, at, sumMs });
    return;
  }
  sum.finished += finished;
  sum.bad += bad;
  sum.at += at;
  sum.sumMs += sumMs;
}

function addDifference(into: Sums, after: Sums, before: Sums): void {
  for (const [key, now] of after) {
    const then = before.get(key) ?? { finished: 0, bad: 0, at: 0, sumMs: 0 };
    const less = (a: number, b: number): number => Math.max(0, a - b);
    addTo(into, key, {
      finished: less(now.finished, then.finished),
      bad: less(now.bad, then.bad),
      at: less(now.at, then.at),
      sumMs: less(now.sumMs, then.sumMs),
    });
  }
}

function namesOf(dimension: Dimension, sums: Sums): string[] {
  const prefix = `${dimension} `;
  return [...sums.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

function membersOf(dimension: Dimension, breach: Sums, calm: Sums): Member[] {
  return namesOf(dimension, breach).map((name) => {
    const { finished = 0, bad = 0 } = breach.get(`${dimension} ${name}`) ?? {};
    const { finished: calmFinished = 0, bad: calmBad = 0 } = calm.get(`${dimension} ${name}`) ?? {};
    return { name, finished, bad, calmFinished, calmBad };
  });
}

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  queue: 'waiting for a connection to be free',
  connect: 'connecting',
  tls: 'the TLS handshake',
  'first-byte': 'waiting for the first byte',
  body: 'the body',
};

/** `84 % of the added time is waiting for the first byte, 91 % of it at endpoint 10.0.0.3:8080`. */
function delaySentence(breach: Sums, calm: Sums): string {
  const phase = delayIn('phase', breach, calm);
  if (phase === null || phase.shareRatio < PHASE_SHARE_MIN) return '';
  const places = (['endpoint', 'version'] as const).flatMap((dimension) => {
    const used = namesOf(dimension, breach).filter((name) => (breach.get(`${dimension} ${name}`)?.at ?? 0) > 0);
    const delay = used.length < 2 ? null : delayIn(dimension, breach, calm);
    if (delay === null || delay.shareRatio < PLACE_SHARE_MIN) return [];
    return [`${percent(delay.shareRatio)} of it at ${dimension} ${delay.name}`];
  });
  const what = PHASE_WORDS[phase.name as Phase];
  return [`${percent(phase.shareRatio)} of the added time is ${what}`, ...places].join(', ');
}

function delayIn(dimension: Dimension, breach: Sums, calm: Sums): ReturnType<typeof delayOf> {
  return delayOf(
    namesOf(dimension, breach).map((name) => {
      const { at: count = 0, sumMs = 0 } = breach.get(`${dimension} ${name}`) ?? {};
      const { at: calmCount = 0, sumMs: calmSumMs = 0 } = calm.get(`${dimension} ${name}`) ?? {};
      return { name, count, sumMs, calmCount, calmSumMs };
    }),
  );
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
