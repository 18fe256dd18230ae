/**
 * How many requests of a version may be under way: a gradient on the median time to the response head. Hot path.
 *
 * ```
 * baseline = median while few requests are under way       g = clamp(1.35 x baseline / median of the window, 0.5, 2)
 * window   = at least 100 ms and 50 samples                L <- 0.5 L + 0.5 (g L + sqrt L)
 *
 * starting ──slow, or half of the limit is enough──▸ steady ◂──baseline known──┐
 *    L = 4, doubled by every L answers                  └──overrun──▸ probing: L / 4, until 50 samples
 * ```
 * - **starting**: the limit follows the answers: it doubles when as many came as it allows, so a version under full load has
 *   its limit after some round trips, and one that cannot serve them at most twice what it answers. It ends when answers
 *   take three times as long as the first ones did. The first window after it is a provisional baseline.
 *   A window with room to spare that is as fast as the first answers confirms it.
 * - **steady**: the limit moves only when the window was slow (median above 1.35 x baseline; then from what was really under
 *   way) or when more than half of it was used, so that there is room for twice the usual load.
 * - **probing**: while more arrives than is answered, the baseline is measured anew at a quarter of the limit: after 30 s in
 *   which at least half of the windows were full, a provisional one after 1 s. Samples of what was sent before do not count.
 *   A baseline that is provisional or would rise is believed only if a quarter of that quarter is not faster, as requests
 *   may queue even there. The same when half of the limit was taken away and windows are as slow as before: then the
 *   baseline is wrong. Probes begin at full seconds of the machine's clock, so that two processes that share a version, as while
 *   one takes over from another, look at it together. The limit is then at most where the gradient would bring it under full load: a version with few answers has few
 *   windows to get there. That is a matter of places, by Little's law: samples per ms before the probe times their mean time
 *   within it, and what else held places before it, as it was: failures for as long as they took, bodies behind their heads;
 *   at least what has its head and holds its place still, which a probe does not narrow either.
 *   Counted like good answers, failures that come at once would pass for load that the version can bear; not counted at all,
 *   those that take their time would leave it with half of what it needs.
 *
 * Windows end after 1 s with 20 samples, too, and with 20 samples when these leave no doubt (g at 0.5). Edges: without
 * samples nothing moves, a version that answers nothing keeps its limit until requests are given up; a probe that finds
 * fewer than 10 samples in its time leaves the baseline as it was. Time is an argument; a gap makes one long window.
 * Cost: a sample is one count in a histogram (about 10 ns), a window two walks over it. Allocates nothing.
 * Source: Envoy, "Adaptive Concurrency" (gradient controller, minRTT); docs/overload.md for what it reaches.
 */

import { bucketIndex, HISTOGRAM_BUCKETS, mean, quantile } from '../../../lib/histogram.ts';

export const LIMIT_MIN = 4;
/** Above it other limits hold long before. */
export const LIMIT_MAX = 16_384;
/** A median above so many baselines is slow. */
const BUFFER = 1.35;
const GRADIENT_MIN = 0.5;
const GRADIENT_MAX = 2;
const WINDOW_MS_MIN = 100;
const WINDOW_MS_MAX = 1000;
const SAMPLES = 50;
const SAMPLES_MIN = 20;
/** Fewest answers that are compared while starting, and how much slower than the first ones they may be. */
const BATCH = 12;
const RUSHED = 3;
/** A limit is new until so many windows have passed. */
const LEARNING_WINDOWS = 5;
/** A probe takes at most so long, or so many baselines, whichever is longer; then fewer samples do. */
const PROBE_MS_MAX = 2000;
const PROBE_ROUNDS_MAX = 10;
const PROBE_SAMPLES_MIN = 10;
const PROBE_PART = 4;
const REPROBE_MS = 30_000;
const FIRST_PROBE_MS = 1000;
const SLOT_MS = 1000;
/** This much of a former median is as slow as before. */
const VAIN = 0.9;

/** How much of the limit is used. */
export interface Use {
  readonly inFlight: number;
  /** Of these, whose heads are there: streams and bodies under way. */
  readonly answering: number;
  /** Most in flight at once since the last window that was closed. */
  readonly peak: number;
  /** More arrives than is answered. */
  readonly isOverrun: boolean;
}

/** What is known of a version. */
export interface LimitKnown {
  /** While it is not probed; 0: nothing is known. */
  readonly limit: number;
  /** Median of an unhurried answer; 0: not known. */
  readonly baselineMs: number;
}

const NOTHING: LimitKnown = { limit: 0, baselineMs: 0 };

export type LimitState = 'starting' | 'steady' | 'probing';

/** The limit of one version, of all workers that share it. */
export class Limiter {
  #state: LimitState = 'starting';
  #limit = LIMIT_MIN;
  readonly #counts = new Int32Array(HISTOGRAM_BUCKETS);
  #samples = 0;
  #windowAtMs: number;
  /** In ms; 0 = not known. */
  #baselineMs = 0;
  /** No probe has confirmed it. */
  #isProvisional = true;
  // starting
  /** Since the limit was last doubled. */
  #answers = 0;
  #wasFull = false;
  /** Median of the first answers; 0 = not known. */
  #firstMs = 0;
  /** The limit jumped within this window: its median tells more about that than about the version. */
  #hasJumped = false;
  /** Samples per ms in the last window, and how many places something else than waiting for their heads took. */
  #rate = 0;
  #otherPlaces = 0;
  /** Place-ms in this window: of what ended, less what samples waited. */
  #otherMs = 0;
  // how full it was since the last probe
  #probedAtMs: number;
  #fullWindows = 0;
  #windows = 0;
  // probing
  /** At the next full second. */
  #wantsProbe = false;
  #slot = 0;
  /** What the limit goes back to. */
  #restored = 0;
  /** Places of the limit that streams and bodies had when it was narrowed. */
  #answering = 0;
  /** Samples to pass over: what was sent before. */
  #stale = 0;
  #isDrained = false;
  /** The median that a smaller probe is compared with; 0 = this is the first. */
  #foundMs = 0;
  /** The limit when windows began to be slow, 0 = they are not; and how slow they were. */
  #slowFrom = 0;
  #slowMs = 0;

  /** @param known what another limiter of the version found: it goes on from there, and has the baseline confirmed */
  constructor(nowMs: number, known: LimitKnown = NOTHING) {
    this.#windowAtMs = nowMs;
    this.#probedAtMs = nowMs;
    if (known.limit > 0) this.#limit = known.limit;
    if (known.baselineMs === 0) return;
    this.#state = 'steady';
    this.#baselineMs = known.baselineMs;
    this.#windows = LEARNING_WINDOWS;
  }

  /** What another limiter of the version can go on from. */
  get known(): LimitKnown {
    const limit = this.#state === 'probing' ? this.#restored : this.#limit;
    return { limit: Math.floor(limit), baselineMs: this.#baselineMs };
  }

  /** A whole number, LIMIT_MIN..LIMIT_MAX. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  get state(): LimitState {
    return this.#state;
  }

  /** The median of an unhurried answer in ms, 0 when it is not known yet. */
  get baselineMs(): number {
    return this.#baselineMs;
  }

  /** Nobody knows yet what the version can do. */
  get isLearning(): boolean {
    return this.#isProvisional && this.#windows < LEARNING_WINDOWS;
  }

  /** A time to the response head. */
  sample(tookMs: number): void {
    if (this.#stale > 0) {
      this.#stale -= 1;
      return;
    }
    const bucket = bucketIndex(tookMs);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#samples += 1;
    this.#otherMs -= tookMs;
  }

  /**
   * A request ended before its response: it would have taken at least so long. Of any use only above the baseline, where
   * its place in a median is the same however long it would have been.
   */
  sampleAtLeast(ageMs: number): void {
    if (ageMs > BUFFER * this.#baselineMs) this.sample(ageMs);
    if (this.#state === 'starting' && this.#wasFull) this.#stopStarting();
  }

  /**
   * A request is over, whatever came of it.
   * @param heldMs how long it had its place
   * @param isFull the limit has been reached since the last window that was closed
   * @returns whether the limit is another one.
   */
  ended(heldMs: number, isFull: boolean): boolean {
    this.#otherMs += heldMs;
    if (this.#state !== 'starting') return false;
    if (isFull) this.#wasFull = true;
    if (!this.#wasFull) return false;
    this.#answers += 1;
    if (this.#answers < this.#limit) return false;
    this.#answers = 0;
    this.#wasFull = false;
    if (this.#samples >= BATCH && this.#isRushed()) this.#stopStarting();
    else this.#limit = Math.min(LIMIT_MAX, this.#limit * 2);
    this.#hasJumped = true;
    return true;
  }

  /** Closes the window if it is due: call it every 50 ms or so. Returns whether it did, for the peak to begin anew. */
  tick(nowMs: number, use: Use): boolean {
    const slot = Math.floor(nowMs / SLOT_MS);
    if (this.#wantsProbe && slot !== this.#slot) this.#beginProbe(nowMs, use);
    this.#slot = slot;
    const ageMs = nowMs - this.#windowAtMs;
    if (this.#state === 'probing') return this.#probe(nowMs, use, ageMs);
    if (!this.#isDue(ageMs)) return false;
    const medianMs = this.#median();
    const hasJumped = this.#hasJumped;
    this.#rate = this.#samples / ageMs;
    this.#otherPlaces = Math.max(0, this.#otherMs / ageMs);
    this.#begin(nowMs);
    this.#hasJumped = false;
    if (this.#baselineMs > 0) this.#adapt(nowMs, medianMs, use);
    else if (!hasJumped) this.#baselineMs = this.#firstMs === 0 ? medianMs : Math.min(medianMs, RUSHED * this.#firstMs);
    return true;
  }

  // ── starting ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends a batch of answers: are they much slower than the first one? */
  #isRushed(): boolean {
    const medianMs = this.#median();
    this.#begin(this.#windowAtMs);
    if (this.#firstMs === 0) this.#firstMs = medianMs;
    return medianMs > RUSHED * this.#firstMs;
  }

  /** It has grown too far. */
  #stopStarting(): void {
    this.#state = 'steady';
    this.#limit = Math.max(LIMIT_MIN, this.#limit / 2);
    this.#hasJumped = true;
  }

  // ── windows ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #isDue(ageMs: number): boolean {
    if (ageMs < WINDOW_MS_MIN || this.#samples < SAMPLES_MIN) return false;
    if (this.#samples >= SAMPLES || ageMs >= WINDOW_MS_MAX) return true;
    return this.#state === 'steady' && GRADIENT_MIN * this.#median() >= BUFFER * this.#baselineMs;
  }

  #adapt(nowMs: number, medianMs: number, { peak, isOverrun }: Use): void {
    this.#windows += 1;
    if (peak >= this.limit) this.#fullWindows += 1;
    const g = Math.min(GRADIENT_MAX, Math.max(GRADIENT_MIN, (BUFFER * this.#baselineMs) / medianMs));
    if (this.#state === 'starting' && (g < 1 || peak < this.#limit / 2)) this.#state = 'steady';
    if (this.#isProvisional && !isOverrun && peak * 2 <= this.#limit) this.#confirm(medianMs);
    if (g < 1) this.#shrink(g, medianMs, peak);
    else {
      this.#slowFrom = 0;
      if (this.#state === 'steady' && peak * 2 > this.#limit) this.#limit = moved(this.#limit, g);
    }
    if (this.#state === 'steady') this.#considerProbe(nowMs, medianMs, isOverrun);
  }

  /** A window with room to spare, as fast as the first answers were: nothing queues, its median is a baseline. */
  #confirm(medianMs: number): void {
    if (this.#firstMs > 0 && medianMs > BUFFER * this.#firstMs) return;
    this.#baselineMs = medianMs;
    this.#isProvisional = false;
  }

  #shrink(g: number, medianMs: number, peak: number): void {
    if (this.#slowFrom === 0) {
      this.#slowFrom = Math.min(this.#limit, peak);
      this.#slowMs = medianMs;
    }
    this.#limit = moved(Math.min(this.#limit, Math.max(peak, LIMIT_MIN)), g);
  }

  #considerProbe(nowMs: number, medianMs: number, isOverrun: boolean): void {
    // Half as many requests that take as long as twice as many: it is not they that make each other slow.
    const isVain = this.#limit * 2 <= this.#slowFrom && medianMs >= VAIN * this.#slowMs;
    const isDue = nowMs - this.#probedAtMs >= (this.#isProvisional ? FIRST_PROBE_MS : REPROBE_MS);
    const isFull = this.#fullWindows * 2 >= this.#windows;
    if (isOverrun && ((isDue && isFull) || isVain)) this.#wantsProbe = true;
    else if (isDue && !isFull) this.#forgetFullness(nowMs);
  }

  #forgetFullness(nowMs: number): void {
    this.#probedAtMs = nowMs;
    this.#fullWindows = 0;
    this.#windows = 0;
  }

  #begin(nowMs: number): void {
    this.#windowAtMs = nowMs;
    this.#samples = 0;
    this.#otherMs = 0;
    this.#counts.fill(0);
  }

  #median(): number {
    return quantile(this.#counts, 0, 0.5) as number;
  }

  // ── probes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #beginProbe(nowMs: number, use: Use): void {
    this.#state = 'probing';
    this.#wantsProbe = false;
    this.#restored = this.#limit;
    this.#foundMs = 0;
    this.#answering = 0;
    this.#narrow(nowMs, use);
  }

  /** To a part of what waits for its head: streams keep their places, and would leave none to measure with. */
  #narrow(nowMs: number, { answering }: Use): void {
    const part = Math.max(LIMIT_MIN, (this.#limit - this.#answering) / PROBE_PART);
    this.#answering = answering;
    this.#limit = Math.min(this.#restored, answering + part);
    this.#isDrained = false;
    this.#stale = 0;
    this.#begin(nowMs);
  }

  /** Waits until no more than the probe allows are under way; the rest of those is stale. */
  #drain(nowMs: number, { inFlight, answering }: Use, ageMs: number): void {
    if (inFlight > this.limit && ageMs < PROBE_MS_MAX) return;
    this.#isDrained = true;
    this.#stale = inFlight - answering;
    this.#begin(nowMs);
  }

  #probe(nowMs: number, use: Use, ageMs: number): boolean {
    if (!this.#isDrained) {
      this.#drain(nowMs, use, ageMs);
      return false;
    }
    const isOver = ageMs >= Math.max(PROBE_MS_MAX, PROBE_ROUNDS_MAX * this.#baselineMs);
    if (this.#samples < SAMPLES && !isOver) return false;
    const isEnough = this.#samples >= PROBE_SAMPLES_MIN;
    if (isEnough && this.#isToBeConfirmed(this.#median())) {
      this.#foundMs = this.#median();
      this.#narrow(nowMs, use);
      return false;
    }
    this.#endProbe(nowMs, isEnough, use);
    return true;
  }

  /** Could requests queue even now? */
  #isToBeConfirmed(medianMs: number): boolean {
    if (this.limit - this.#answering < 2 * LIMIT_MIN) return false;
    if (!this.#isProvisional && medianMs <= BUFFER * this.#baselineMs) return false;
    return this.#foundMs === 0 || medianMs * BUFFER < this.#foundMs;
  }

  /** Of two probes that agree, the mean. */
  #judged(medianMs: number): number {
    const isFaster = medianMs * BUFFER < this.#foundMs;
    return this.#foundMs === 0 || isFaster ? medianMs : (this.#foundMs + medianMs) / 2;
  }

  #endProbe(nowMs: number, isEnough: boolean, { answering }: Use): void {
    this.#state = 'steady';
    this.#isProvisional = false;
    this.#limit = this.#restored;
    if (isEnough) {
      this.#baselineMs = this.#judged(this.#median());
      const others = Math.max(this.#otherPlaces, answering);
      const busy = this.#rate * (mean(this.#counts, 0) as number) + others;
      this.#limit = Math.max(LIMIT_MIN, Math.min(this.#restored, restOf(busy)));
    }
    this.#slowFrom = 0;
    this.#stale = 0;
    this.#forgetFullness(nowMs);
    this.#begin(nowMs);
  }
}

/**
 * The limit that full windows would come to: L = g L + sqrt L, where the median stands to the baseline as L to what the version
 * has under way when nothing queues.
 * @param busy the latter
 */
function restOf(busy: number): number {
  return (0.5 + Math.sqrt(0.25 + BUFFER * busy)) ** 2;
}

/** One step of the gradient. */
function moved(limit: number, g: number): number {
  const next = 0.5 * limit + 0.5 * (g * limit + Math.sqrt(limit));
  return Math.min(LIMIT_MAX, Math.max(LIMIT_MIN, next));
}
