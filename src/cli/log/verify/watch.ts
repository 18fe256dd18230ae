/**
 * Goes through one tape and checks every decision on it where it was made.
 */

import type { Decision, EvidenceRef } from '../../../model/slo.ts';
import { certificateFaults, isSame, verdictFaults } from './certificate.ts';
import { Course } from './course.ts';
import { namesOf } from './endpoints.ts';
import { Judge, policyOf, Scene } from './judge.ts';
import type { Budget, Command, Facts, LookRow, Opening, Row, Terms } from './rows.ts';
import { Rows } from './rows.ts';

/** A segment of a tape, as far as it is asked here. */
export interface Piece {
  readonly watch: string;
  readonly number: number;
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** What became of a decision, by its number. */
export type Verdicts = Map<number, string[]>;

const NO_BUDGET: Budget = { ratio: null, events: null, alert: null };

export class Watch {
  /** Faults of every decision that stands on the tape. */
  readonly found: Verdicts = new Map();
  /** What the tape itself has against it. */
  readonly faults: string[] = [];
  /** Looks on it. */
  looks = 0;
  readonly #rows = new Rows();
  readonly #decisions: ReadonlyMap<number, Decision>;
  #terms: Terms | null = null;
  #scene: Scene | null = null;
  #judges = new Map<string | null, Judge>();
  #course: Course | null = null;
  #budget = NO_BUDGET;
  #command: Command | null = null;
  /** The decision that it is rolled back by. */
  #rolledBackBy: Decision | null = null;
  /** The last look convicted, and nobody has acted on it yet. */
  #mustAct = false;
  /** The operator has just made another rollout of it. */
  #isRenewing = false;
  #nowMs = 0;

  /** @param decisions those of the log that name this tape, by their id */
  constructor(decisions: ReadonlyMap<number, Decision>) {
    this.#decisions = decisions;
  }

  /** Takes the next segment. @throws Error when it is no tape */
  take({ watch, number: segment, hash, bytes }: Piece): void {
    for (const row of this.#rows.of(bytes)) this.#row(row, { watch, segment, hash });
  }

  /** Nothing comes any more. */
  end(): void {
    this.#checkActed();
  }

  #row(row: Row, evidence: EvidenceRef): void {
    if (row.kind === 'open') {
      this.#open(row.open, row.nowMs);
      return;
    }
    const [terms, scene, course] = [this.#terms, this.#scene, this.#course];
    if (terms === null || scene === null || course === null) throw new Error('it does not begin with its beginning');
    this.#nowMs = row.nowMs;
    if (row.kind === 'decided') {
      this.#decided(row.facts, { terms, scene, course }, evidence);
      return;
    }
    if (row.kind !== 'freeze') this.#checkActed();
    this.#apply(row, { terms, scene, course });
  }

  #open({ spec, rollout, rolledBackBy }: Opening, nowMs: number): void {
    this.#course = new Course(rollout);
    this.#nowMs = nowMs;
    this.#begin(spec);
    this.#rolledBackBy = rolledBackBy as Decision | null;
    if (this.#rolledBackBy !== null && this.#scene !== null) {
      // A decision of an earlier release has no certificate.
      const { certificate } = this.#rolledBackBy as Partial<Decision>;
      this.#scene.limits = certificate?.limits ?? null;
    }
  }

  #begin(terms: Terms): void {
    this.#terms = terms;
    const routes = routesOf(terms);
    this.#scene = new Scene(namesOf(terms), this.#nowMs, routes);
    this.#judges = new Map([[null, new Judge(policyOf(terms), this.#nowMs, routes.length)]]);
    for (const shadow of terms.shadows) {
      this.#judges.set(shadow.name, new Judge(policyOf(shadow), this.#nowMs, routes.length));
    }
  }

  #apply(row: Exclude<Row, { kind: 'decided' | 'open' }>, { terms, scene, course }: Parts): void {
    switch (row.kind) {
      case 'look':
        this.#look(row, scene, course);
        break;
      case 'freeze':
        scene.freeze(row.limits, row.nowMs);
        break;
      case 'skip':
        scene.gap(row.nowMs);
        for (const judge of this.#judges.values()) judge.interrupt(row.nowMs);
        course.passOver(row.gapMs);
        break;
      case 'weigh':
        scene.step(row.nowMs);
        for (const judge of this.#judges.values()) judge.step(row.nowMs);
        break;
      case 'spec':
        this.#follow(row, { terms, scene, course });
        break;
      case 'budget':
        this.#budget = row.budget;
        break;
      case 'command':
        this.#command = row.command;
        break;
      case 'note':
        scene.note(row.firstAtMs, row.ids);
        break;
      case 'meet':
        scene.endpoints.meet(row.names, row.nowMs);
        break;
      default:
        row satisfies never;
    }
  }

  #look(row: LookRow, scene: Scene, course: Course): void {
    this.#command = null;
    this.looks += 1;
    scene.look(row);
    const judge = this.#judgeOf(null);
    let isJudged = false;
    for (const one of this.#judges.values()) if (one.look(row, scene) && one === judge) isJudged = true;
    if (scene.limits !== null && scene.slowness.look(row.trials, row.nowMs)) isJudged = true;
    course.look(row.requests[0], row.requests[1], row.nowMs);
    const mayConvict = isJudged && (judge.mayConvict || scene.slowness.logE >= judge.needed);
    this.#mustAct = mayConvict && judge.isConvicting(scene);
  }

  #follow({ spec, isFresh, isNew }: Extract<Row, { kind: 'spec' }>, { terms, scene, course }: Parts): void {
    this.#terms = spec;
    this.#command = null;
    this.#isRenewing = isNew;
    const judge = this.#judgeOf(null);
    judge.policy = policyOf(spec);
    // A new rollout goes on on a tape of its own; what comes here is the end of the old one.
    if (isNew) return;
    if (isFresh) {
      course.rebase(scene);
      this.#begin(spec);
    } else {
      this.#followShadows(spec, terms);
      scene.endpoints.list(namesOf(spec), this.#nowMs);
    }
  }

  /** A shadow whose hypotheses stay goes on. */
  #followShadows(spec: Terms, before: Terms): void {
    const judges = new Map<string | null, Judge>([[null, this.#judgeOf(null)]]);
    for (const shadow of spec.shadows) {
      const old = before.shadows.find(({ name }) => name === shadow.name);
      const judge = this.#judges.get(shadow.name);
      const goesOn = old !== undefined && judge !== undefined && hypotheses(old) === hypotheses(shadow);
      judges.set(shadow.name, goesOn ? judge : new Judge(policyOf(shadow), this.#nowMs, routesOf(spec).length));
      if (goesOn) judge.policy = policyOf(shadow);
    }
    this.#judges = judges;
  }

  #decided(facts: Facts, { terms, scene, course }: Parts, evidence: EvidenceRef): void {
    const decision = this.#decisions.get(facts.id);
    if (decision === undefined) {
      this.faults.push(`decision ${facts.id} of ${facts.at} is on its tape and not in the log`);
      return;
    }
    const judge = this.#judges.get(facts.shadow);
    if (judge === undefined) {
      this.found.set(facts.id, [`there is no shadow ${String(facts.shadow)}`]);
      return;
    }
    const derived = { terms, judge, scene, facts, evidence };
    const verdict =
      this.#rolledBackBy === null || facts.shadow !== null
        ? verdictFaults(decision.verdict, derived)
        : this.#repeated(decision);
    const command = facts.shadow === null ? this.#command : null;
    const isOverruled = decision.kind === 'resume' && decision.trigger === 'configuration';
    if (isOverruled && !this.#isRenewing) this.faults.push(`decision ${facts.id}: nobody changed the configuration`);
    const moment = { terms, judge, scene, budget: this.#budget, command, nowMs: this.#nowMs };
    this.found.set(facts.id, [...verdict, ...certificateFaults(decision, derived), ...course.take(decision, moment)]);
    if (facts.shadow === null) this.#settle(decision, terms);
  }

  /** What is rolled back shows the verdict that it was rolled back by. */
  #repeated({ verdict }: Decision): string[] {
    return isSame(verdict, this.#rolledBackBy?.verdict) ? [] : ['it shows another verdict than the rollback before it'];
  }

  #settle(decision: Decision, terms: Terms): void {
    this.#mustAct = false;
    this.#command = null;
    if (decision.kind === 'rollback') this.#rolledBackBy = decision;
    else if (this.#rolledBackBy !== null && !this.#isRenewing) this.#revive(terms);
  }

  #revive(terms: Terms): void {
    this.#rolledBackBy = null;
    this.#begin(terms);
  }

  #checkActed(): void {
    if (this.#mustAct) this.faults.push(`the evidence convicted at ${this.#nowMs} ms and nothing was decided`);
    this.#mustAct = false;
  }

  #judgeOf(name: string | null): Judge {
    return this.#judges.get(name) as Judge;
  }
}

interface Parts {
  readonly terms: Terms;
  readonly scene: Scene;
  readonly course: Course;
}

/** Names of the routes of several; empty where there is one. */
function routesOf({ route, companions = [] }: Terms): string[] {
  return companions.length === 0 ? [] : [route, ...companions.map((companion) => companion.route)];
}

/** What a process is built on; alpha and badMin only say how sure one must be. */
function hypotheses({ toleratedRatio, absoluteFloor, promotion }: Terms['shadows'][number]): string {
  const { beta, ratioMax, errorRatioMax } = promotion;
  return JSON.stringify([toleratedRatio, absoluteFloor, beta, ratioMax, errorRatioMax]);
}
