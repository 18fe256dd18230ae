/**
 * Tells differences of a candidate from those that a version has with itself: counts by place, and an e-value for each.
 *
 * Of every request there are three answers: the client's, a second one of the same version, the candidate's. H0 of a place: the
 * candidate is as likely as the version itself to differ from the first answer there. Then, whenever exactly one of the two
 * differs, each is it with probability 1/2, whatever the place is and however often it varies by itself; with a candidate-only
 * and b second-only differences
 *
 *   E = mean over l of (1 + l)^a (1 - l)^b,  l in STAKES
 *
 * is a martingale with mean 1, at every moment and however one looks. A field that differs between any two answers never has a
 * or b, and so never any evidence. The n-th place that has some is believed at E >= n (n + 1) / ALPHA: as these levels' inverses
 * sum up to ALPHA, at most that is the chance that anything is ever told of a candidate that behaves like the version (Ville). One that
 * always differs at one place is told after 10 requests, at its hundredth place after 22. What is told is told once.
 *
 * The order of places with evidence, that of their names within a request, does not depend on which of the two differed.
 *
 * That the two are alike is more than two versions with the same behavior promise: with one replica of a candidate and three of the
 * version, the name of the replica differs more often in the candidate's answers. So a place at which the version differs from itself in
 * more than `NOISE_RATIO` of the requests is noise, whatever the candidate does there; one that was told before is taken back.
 *
 * Bounded: `PLACES_MAX` places, of which a request begins `BEGUN_MAX` at most. When they are full, the one gives way that has not
 * differed for longest, unless it is real or differs in this request; should it come back, its counts begin anew (a martingale may
 * begin at any time; the order's numbers go on). Where there is none, further places are counted as one, `…`, which has no evidence.
 * Source: McNemar (1947), for the pairs; Ville (1939); Waudby-Smith and Ramdas (2024), for the mixture of stakes.
 */

import {
  DIFFERENCE_KINDS,
  type DifferenceKind,
  type DifferenceStatus,
} from '../../../../model/threads/requests/compared.ts';
import type { Difference, Differences } from './compare.ts';

/** Chance of ever telling something of a candidate that answers as the version does. */
export const ALPHA = 0.01;
export const PLACES_MAX = 256;
/** Places that one request begins at most. */
export const BEGUN_MAX = 64;
/** Share of requests in which a version may differ from itself at a place that is real. */
export const NOISE_RATIO = 0.01;
const STAKES: readonly number[] = [0.25, 0.5, 0.75, 1];

/** The place of all others when there is room for no more. */
const OTHERS: Difference = { kind: 'value', path: '…', from: '', to: '' };

interface Place {
  readonly kind: DifferenceKind;
  readonly path: string;
  from: string;
  to: string;
  /** Requests that were compared before it was known of. */
  readonly before: number;
  candidate: number;
  second: number;
  candidateOnly: number;
  secondOnly: number;
  /** Among the places with evidence, from 1; 0: it has none. */
  order: number;
  /** Its evidence was enough once. */
  isProven: boolean;
  isTold: boolean;
}

/** Which of the two differ at a place in one request. */
interface Which {
  second: boolean;
  candidate: boolean;
}

/** Natural logarithm of the e-value of `a` differences of the candidate alone against `b` of the version alone. */
export function logEOf(a: number, b: number): number {
  const logs = STAKES.map((stake) => a * Math.log1p(stake) + (b === 0 ? 0 : b * Math.log1p(-stake)));
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / STAKES.length);
}

/** What is known of one candidate. */
export class DifferenceEvidence {
  /** In the order in which they differed last. */
  readonly #places = new Map<string, Place>();
  #others: Place | null = null;
  readonly #differed = Object.fromEntries(DIFFERENCE_KINDS.map((kind) => [kind, 0])) as Record<DifferenceKind, number>;
  #compared = 0;
  /** Places that ever had evidence. */
  #orders = 0;
  /** A place has given way: what comes anew may have been here before. */
  #hasForgotten = false;

  get compared(): number {
    return this.#compared;
  }

  /** Requests whose answers differ at a place that is real, by kind. */
  get differed(): Readonly<Record<DifferenceKind, number>> {
    return { ...this.#differed };
  }

  /**
   * Takes the differences of one request.
   * @param second between the client's answer and the second one @param candidate between the client's and the candidate's
   * @returns places that are real from now on
   */
  add(second: Differences, candidate: Differences): DifferenceStatus[] {
    this.#compared += 1;
    const told: Place[] = [];
    const kinds = new Set<DifferenceKind>();
    for (const [place, which] of this.#touched(second, candidate)) {
      this.#count(place, which);
      if (!this.#isReal(place)) continue;
      if (!place.isTold) told.push(place);
      place.isTold = true;
      if (which.candidate && !which.second) kinds.add(place.kind);
    }
    for (const kind of kinds) this.#differed[kind] += 1;
    return told.map((place) => this.#statusOf(place));
  }

  /** Every place: real ones first, then those at which the candidate differs most often. */
  places(): DifferenceStatus[] {
    const places = [...this.#places.values()];
    if (this.#others !== null) places.push(this.#others);
    const rank = ({ isReal }: DifferenceStatus): number => (isReal ? 0 : 1);
    return places
      .map((place) => this.#statusOf(place))
      .toSorted(
        (one, other) =>
          rank(one) - rank(other) || other.candidate - one.candidate || kindRank(one.kind) - kindRank(other.kind),
      );
  }

  /** The places of one request's differences: those that are known first, so that they do not give way to the others. */
  #touched(second: Differences, candidate: Differences): Map<Place, Which> {
    const touched = new Map<Place, Which>();
    const touch = (place: Place, key: string): void => {
      const which = touched.get(place) ?? { second: false, candidate: false };
      which.second ||= second.has(key);
      which.candidate ||= candidate.has(key);
      touched.set(place, which);
    };
    const unknown: string[] = [];
    for (const key of [...new Set([...second.keys(), ...candidate.keys()])].toSorted()) {
      const place = this.#places.get(key);
      if (place === undefined) {
        unknown.push(key);
        continue;
      }
      this.#places.delete(key);
      this.#places.set(key, place);
      const seen = candidate.get(key);
      if (seen !== undefined) [place.from, place.to] = [seen.from, seen.to];
      touch(place, key);
    }
    const oldest = this.#places.entries();
    for (const [n, key] of unknown.entries()) {
      const hasPlace = n < BEGUN_MAX && (this.#places.size < PLACES_MAX - 1 || this.#giveWay(oldest, touched));
      const difference = (candidate.get(key) ?? second.get(key)) as Difference;
      touch(hasPlace ? this.#begin(key, difference) : (this.#others ??= this.#placeOf(OTHERS)), key);
    }
    return touched;
  }

  #count(place: Place, which: Which): void {
    if (which.candidate) place.candidate += 1;
    if (which.second) place.second += 1;
    if (which.candidate === which.second || place === this.#others) return;
    if (place.order === 0) place.order = ++this.#orders;
    if (which.candidate) place.candidateOnly += 1;
    else place.secondOnly += 1;
    if (place.isProven) return;
    const level = Math.log((place.order * (place.order + 1)) / ALPHA);
    place.isProven = logEOf(place.candidateOnly, place.secondOnly) >= level;
  }

  #isReal({ isProven, second, before }: Place): boolean {
    return isProven && second <= NOISE_RATIO * (this.#compared - before);
  }

  #begin(key: string, difference: Difference): Place {
    const place = this.#placeOf(difference);
    this.#places.set(key, place);
    return place;
  }

  #placeOf({ kind, path, from, to }: Difference): Place {
    const counts = { candidate: 0, second: 0, candidateOnly: 0, secondOnly: 0, order: 0 };
    const before = this.#hasForgotten ? this.#compared - 1 : 0;
    return { kind, path, from, to, before, ...counts, isProven: false, isTold: false };
  }

  /** Forgets the next place that may go; false: there is none. @param oldest goes over all places once per request */
  #giveWay(oldest: MapIterator<[string, Place]>, touched: ReadonlyMap<Place, Which>): boolean {
    for (let next = oldest.next(); next.done !== true; next = oldest.next()) {
      const [key, place] = next.value;
      if (this.#isReal(place) || touched.has(place)) continue;
      this.#places.delete(key);
      this.#hasForgotten = true;
      return true;
    }
    return false;
  }

  #statusOf(place: Place): DifferenceStatus {
    const { kind, path, from, to, before, candidate, second } = place;
    const compared = this.#compared - before;
    return { kind, path, from, to, compared, candidate, second, isReal: this.#isReal(place) };
  }
}

function kindRank(kind: DifferenceKind): number {
  return DIFFERENCE_KINDS.indexOf(kind);
}
