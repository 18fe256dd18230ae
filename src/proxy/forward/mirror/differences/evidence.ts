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
 * always differs at one place is told after 10 requests, at its hundredth place after 22. What is told stays told.
 *
 * The order of places with evidence, that of their names within a request, does not depend on which of the two differed.
 * Bounded: `PLACES_MAX` places. When they are full, the one gives way whose evidence is none (E <= 1) and that has not differed for
 * longest; its counts begin anew when it comes back. Where there is no such, further places count as one, `…`.
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
  isReal: boolean;
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
    const touched = new Map<Place, { second: boolean; candidate: boolean }>();
    const known = new Set([...second.keys(), ...candidate.keys()]);
    for (const key of [...known].toSorted()) {
      const difference = candidate.get(key) ?? second.get(key);
      const place = this.#placeOf(key, difference as Difference);
      const of = touched.get(place) ?? { second: false, candidate: false };
      touched.set(place, {
        second: of.second || second.has(key),
        candidate: of.candidate || candidate.has(key),
      });
      const seen = candidate.get(key);
      if (seen !== undefined && place.path !== OTHERS.path) [place.from, place.to] = [seen.from, seen.to];
    }
    const told: Place[] = [];
    const kinds = new Set<DifferenceKind>();
    for (const [place, { second: isSecond, candidate: isCandidate }] of touched) {
      if (isCandidate) place.candidate += 1;
      if (isSecond) place.second += 1;
      if (isCandidate !== isSecond && this.#weigh(place, isCandidate)) told.push(place);
      if (place.isReal && isCandidate && !isSecond) kinds.add(place.kind);
    }
    for (const kind of kinds) this.#differed[kind] += 1;
    return told.map((place) => this.#statusOf(place));
  }

  /** Every place: real ones first, then those at which the candidate differs most often. */
  places(): DifferenceStatus[] {
    const rank = ({ isReal }: Place): number => (isReal ? 0 : 1);
    const sorted = [...this.#places.values()].toSorted(
      (one, other) =>
        rank(one) - rank(other) || other.candidate - one.candidate || kindRank(one.kind) - kindRank(other.kind),
    );
    return sorted.map((place) => this.#statusOf(place));
  }

  /** Counts a difference of one of the two alone. @returns whether the place is real from now on */
  #weigh(place: Place, isCandidate: boolean): boolean {
    if (place.order === 0) place.order = ++this.#orders;
    if (isCandidate) place.candidateOnly += 1;
    else place.secondOnly += 1;
    if (place.isReal) return false;
    const level = Math.log((place.order * (place.order + 1)) / ALPHA);
    place.isReal = logEOf(place.candidateOnly, place.secondOnly) >= level;
    return place.isReal;
  }

  #placeOf(key: string, difference: Difference): Place {
    const known = this.#places.get(key);
    if (known !== undefined) {
      this.#places.delete(key);
      this.#places.set(key, known);
      return known;
    }
    if (this.#places.size < PLACES_MAX - 1 || this.#giveWay()) return this.#begin(key, difference);
    return this.#places.get(OTHERS.path) ?? this.#begin(OTHERS.path, OTHERS);
  }

  #begin(key: string, { kind, path, from, to }: Difference): Place {
    const counts = { candidate: 0, second: 0, candidateOnly: 0, secondOnly: 0, order: 0, isReal: false };
    const before = this.#hasForgotten ? this.#compared - 1 : 0;
    const place: Place = { kind, path, from, to, before, ...counts };
    this.#places.set(key, place);
    return place;
  }

  /** Forgets a place without evidence; false: there is none. */
  #giveWay(): boolean {
    for (const [key, place] of this.#places) {
      if (place.isReal || key === OTHERS.path || logEOf(place.candidateOnly, place.secondOnly) > 0) continue;
      this.#places.delete(key);
      this.#hasForgotten = true;
      return true;
    }
    return false;
  }

  #statusOf({ kind, path, from, to, before, candidate, second, isReal }: Place): DifferenceStatus {
    return { kind, path, from, to, compared: this.#compared - before, candidate, second, isReal };
  }
}

function kindRank(kind: DifferenceKind): number {
  return DIFFERENCE_KINDS.indexOf(kind);
}
