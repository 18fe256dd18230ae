/**
 * Composition of mirrors that compare: what workers take of answers is compared here, on the main thread, and told.
 *
 * A worker hands over one batch at a time and counts its bytes until it hears that they were compared, so that what waits here is
 * bounded by the workers' own limits. Comparing has `CPU_SHARE` of the thread, in turns of its loop that end after `SLICE_MS`;
 * when answers come faster than that, workers have no room and count what they skip.
 *
 * What is known of a mirror begins anew with the process, and when the mirror leads elsewhere or compares otherwise.
 * Nothing that is kept or told holds a value of an answer.
 */

import { nowMs, wallTime } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import type { Config, RouteConfig } from '../../../model/config.ts';
import {
  type ComparedBatch,
  DIFFERENCES_SHOWN,
  type DifferenceStatus,
  type MirrorFilter,
  type MirrorStatus,
  noneUncompared,
  SHOWN_MIN,
  sumsOf,
  type TakenAnswer,
  type TakenAnswers,
  UNCOMPARED_REASONS,
} from '../../../model/threads/requests/compared.ts';
import { readAnswer } from '../../../proxy/forward/mirror/differences/answer.ts';
import { differencesOf } from '../../../proxy/forward/mirror/differences/compare.ts';
import { DifferenceEvidence } from '../../../proxy/forward/mirror/differences/evidence.ts';
import { mirrorSentence, placeText } from '../../../proxy/forward/mirror/differences/sentence.ts';
import type { Defects } from '../defects.ts';
import { CpuShare } from './cpu-share.ts';

/** Part of the main thread that comparing may have: it ticks verdicts besides. */
const CPU_SHARE = 0.05;
const BURST_MS = 50;
/** Processor time after which the loop has its turn. */
const SLICE_MS = 5;

export interface MirrorsDeps {
  readonly log: Pick<Log, 'warn'>;
  readonly defects: Pick<Defects, 'note'>;
  readonly nowMs?: () => number;
  /** Processor time of this thread so far, in ms. */
  readonly cpuMs?: () => number;
}

/** What is known of the mirror of a route. */
interface Watched {
  readonly candidate: string;
  readonly mirror: MirrorFilter;
  readonly ignored: ReadonlySet<string>;
  readonly since: string;
  readonly evidence: DifferenceEvidence;
  readonly uncompared: ReturnType<typeof noneUncompared>;
}

/** A batch of a worker, and how far it has been compared. */
interface Waiting {
  readonly answers: readonly TakenAnswers[];
  next: number;
  readonly taken: () => void;
}

export class Mirrors {
  readonly #deps: MirrorsDeps;
  readonly #nowMs: () => number;
  readonly #cpuMs: () => number;
  readonly #cpu: CpuShare;
  /** By route, in the order of the configuration. */
  #watched = new Map<string, Watched>();
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: MirrorsDeps) {
    this.#deps = deps;
    this.#nowMs = deps.nowMs ?? nowMs;
    this.#cpuMs = deps.cpuMs ?? threadCpuMs;
    this.#cpu = new CpuShare(CPU_SHARE, BURST_MS, this.#nowMs());
  }

  /** Takes in a configuration. What is known of mirrors that stay as they are is kept. */
  follow({ routes }: Pick<Config, 'routes'>): void {
    const watched = new Map<string, Watched>();
    for (const { name, filters } of routes as readonly Pick<RouteConfig, 'name' | 'filters'>[]) {
      const { mirror } = filters;
      if (mirror?.compare !== undefined) watched.set(name, this.#watch(mirror, this.#watched.get(name)));
    }
    this.#watched = watched;
  }

  /** A batch of a worker. @param taken to be called when its answers are not needed any more */
  take({ answers, uncompared }: ComparedBatch, taken: () => void): void {
    for (const [route, counts] of uncompared) {
      const watched = this.#watched.get(route);
      if (watched === undefined) continue;
      for (const reason of UNCOMPARED_REASONS) watched.uncompared[reason] += counts[reason];
    }
    this.#waiting.push({ answers, next: 0, taken });
    if (this.#timer === null) this.#turn();
  }

  /** In the order of the routes. */
  get status(): MirrorStatus[] {
    return [...this.#watched].map(([route, { candidate, since, evidence, uncompared }]) => {
      const places = evidence.places();
      const real = places.filter(({ isReal }) => isReal);
      return {
        route,
        candidate,
        since,
        compared: evidence.compared,
        ...sumsOf(uncompared),
        uncompared: { ...uncompared },
        differences: places.filter(isShown).slice(0, DIFFERENCES_SHOWN),
        real: real.length,
        differed: evidence.differed,
        sentence: mirrorSentence(candidate, real, evidence.compared),
      };
    });
  }

  /** Compares no more. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #watch(mirror: MirrorFilter, before: Watched | undefined): Watched {
    const candidate = `${mirror.service}/${mirror.version}`;
    const isSame = before?.candidate === candidate && isSameCompare(before.mirror, mirror);
    if (before !== undefined && isSame) return before;
    const ignored = new Set(mirror.compare?.ignoreHeaders);
    const evidence = new DifferenceEvidence();
    return { candidate, mirror, ignored, since: wallTime(), evidence, uncompared: noneUncompared() };
  }

  /** Compares what waits, as far as it may now. */
  #turn(): void {
    this.#timer = null;
    let cpuMs = this.#cpuMs();
    const endsAtMs = cpuMs + SLICE_MS;
    for (let waiting = this.#waiting[0]; waiting !== undefined; waiting = this.#waiting[0]) {
      const answers = waiting.answers[waiting.next];
      if (answers === undefined) {
        this.#waiting.shift();
        waiting.taken();
        continue;
      }
      const waitMs = this.#cpu.waitMs(this.#nowMs());
      if (waitMs > 0 || cpuMs >= endsAtMs) {
        this.#timer = setTimeout(() => this.#turn(), waitMs).unref();
        return;
      }
      waiting.next += 1;
      this.#contained(answers);
      const beforeMs = cpuMs;
      cpuMs = this.#cpuMs();
      this.#cpu.spend(cpuMs - beforeMs);
    }
  }

  /** What nothing expected costs this comparison. */
  #contained(answers: TakenAnswers): void {
    try {
      this.#compare(answers);
    } catch (error) {
      this.#deps.defects.note('elsewhere', error, answers.route);
    }
  }

  #compare({ route, candidate, primary, second, mirrored }: TakenAnswers): void {
    const watched = this.#watched.get(route);
    // Taken before the mirror led elsewhere.
    if (watched?.candidate !== candidate) return;
    const read = (answer: TakenAnswer) => readAnswer(answer, watched.ignored);
    const first = read(primary);
    const { evidence } = watched;
    for (const found of evidence.add(differencesOf(first, read(second)), differencesOf(first, read(mirrored)))) {
      const sentence = mirrorSentence(candidate, [found], evidence.compared);
      const { compared, candidate: differs, second } = found;
      const counts = { compared, differs, second };
      this.#deps.log.warn('mirror_differs', { route, candidate, place: placeText(found), ...counts, sentence });
    }
  }
}

function isShown({ isReal, candidate, second }: DifferenceStatus): boolean {
  return isReal || Math.max(candidate, second) >= SHOWN_MIN;
}

function isSameCompare({ compare: before }: MirrorFilter, { compare: after }: MirrorFilter): boolean {
  return before?.ignoreHeaders.join() === after?.ignoreHeaders.join() && before?.bodyBytesMax === after?.bodyBytesMax;
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
