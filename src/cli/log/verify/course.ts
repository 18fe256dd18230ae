/**
 * Follows a rollout from decision to decision, and says when a move was not allowed: docs/rollouts.md in plain code.
 *
 * What is checked: gates, waits, budget, commands, the weight that follows. The burn rate of the last step is checked against
 * 0.9 times its limit, since the gateway counts it in slots of some seconds and this file request by request.
 */

import type { Decision } from '../../../model/slo.ts';
import type { Judge, Scene } from './judge.ts';
import type { Budget, Command, Four, Memory, Terms } from './rows.ts';

const BUDGET_PAUSE_MS = 60_000;
const SLOW_FACTOR = 2;
const SLOW_PERCENT = 0.5;
const BURN = 14.4 * 0.9;
const FIVE_MINUTES_MS = 300_000;
const HOUR_MS = 3_600_000;
/** Slots of the gateway's ring end a little later. */
const BURN_SLACK = 1.05;
const WEIGHT_SCALE = 1000;

interface Place {
  readonly kind: string;
  /** -1 when it is on none. */
  readonly step: number;
  readonly sinceMs: number;
  readonly waitingSinceMs: number;
  readonly pausedAtMs: number;
  /** Who paused it. */
  readonly by: string;
}

type Run = Omit<Memory, 'undo' | 'state'> & { readonly place: Place };

/** What is known at a decision. */
export interface Moment {
  readonly terms: Terms;
  readonly judge: Judge;
  readonly scene: Scene;
  readonly budget: Budget;
  /** The command that led to it; null when none did. */
  readonly command: Command | null;
  readonly nowMs: number;
}

export class Course {
  #run: Run;
  #undo: Run | null;
  #base: Four = [0, 0, 0, 0];
  /** Canary requests on the last step, look by look. */
  #onLast: (readonly [atMs: number, finished: number, bad: number])[] = [];

  constructor({ undo, ...memory }: Memory) {
    this.#run = runOf(memory);
    this.#undo = undo === null ? null : runOf(undo);
  }

  get kind(): string {
    return this.#run.place.kind;
  }

  /** Canary requests of a look. */
  look(finished: number, bad: number, nowMs: number): void {
    if (!this.#isOnLastStep) return;
    this.#onLast.push([nowMs, finished, bad]);
    const [oldestMs = nowMs] = this.#onLast[0] ?? [];
    if (nowMs - oldestMs < 2 * HOUR_MS) return;
    this.#onLast = this.#onLast.filter(([atMs]) => nowMs - atMs <= BURN_SLACK * HOUR_MS);
  }

  /** Time that counts for nothing. */
  passOver(gapMs: number): void {
    this.#run = later(this.#run, gapMs);
    if (this.#undo !== null) this.#undo = later(this.#undo, gapMs);
  }

  /** The judgement began anew within the rollout. */
  rebase(scene: Scene): void {
    this.#run = { ...this.#run, spentBefore: this.#caused(scene) };
    this.#base = [0, 0, 0, 0];
  }

  /** Every way in which a decision was not to be made; then takes it over. */
  take(decision: Decision, moment: Moment): string[] {
    const { kind, trigger } = decision;
    if (kind === 'shadow') return moment.judge.isConvicting(moment.scene) ? [] : ['its evidence does not convict'];
    if (kind === 'resume' && trigger === 'configuration') return [];
    const because = this.#whyNot(decision, moment);
    const faults = because === null ? [] : [`${kind} by ${trigger} was not to be: ${because}`];
    const before = this.#run;
    const wasOnLast = this.#isOnLastStep;
    this.#run = this.#next(kind, moment);
    this.#undo = moment.command === null || kind === 'undo' ? null : before;
    // Who was rolled back is judged anew, and counted from nothing.
    if (kind === 'start') this.#base = before.place.kind === 'rolled-back' ? [0, 0, 0, 0] : moment.scene.requests;
    if (!wasOnLast || !this.#isOnLastStep) this.#onLast = [];
    const weight = weightOf(this.#run, moment.terms);
    if (weight !== decision.weightAfter)
      faults.push(`weightAfter is ${decision.weightAfter}, its step gives ${weight}`);
    return faults;
  }

  get #isOnLastStep(): boolean {
    const { place, ladder } = this.#run;
    return place.step >= 0 && place.step === ladder.length - 1;
  }

  #whyNot({ kind, trigger }: Decision, moment: Moment): string | null {
    const { command } = moment;
    if (trigger === 'person' || trigger === 'configuration') return this.#notAsked(kind, command);
    if (command !== null) return 'a command came first';
    switch (`${kind} ${trigger}`) {
      case 'rollback evidence':
        return moment.judge.isConvicting(moment.scene) ? null : 'its evidence does not convict';
      case 'rollback burn':
        return this.#isBurning(moment) ? null : 'it did not burn that fast';
      case 'rollback policy':
      case 'pause policy':
        return this.#notWaited(kind, moment);
      case 'pause budget':
        return this.#isStopped(moment) ? null : 'the budget did not stop it';
      case 'resume budget':
        return this.#notResumed(moment);
      case 'step gates':
      case 'bake gates':
      case 'succeed gates':
        return this.#closedGate(kind, moment);
      default:
        return 'there is no such move';
    }
  }

  #notAsked(kind: string, command: Command | null): string | null {
    const name = kind === 'rollback' ? 'abort' : kind;
    if (command === null) return 'nobody asked for it';
    if (command.name !== name) return `somebody asked for ${command.name}`;
    return name === 'undo' && this.#undo === null ? 'there was nothing to undo' : null;
  }

  #closedGate(kind: string, moment: Moment): string | null {
    const { terms, judge, scene, budget, nowMs } = moment;
    const { plan } = terms;
    const { place, ladder } = this.#run;
    if (plan === null || (place.kind !== 'progressing' && place.kind !== 'baking')) return `it was ${place.kind}`;
    const last = ladder.length - 1;
    const due = place.step === last ? 'succeed' : place.step + 1 === last ? 'bake' : 'step';
    if (kind !== due) return `${due} was due`;
    const neededMs = place.step === last ? plan.bakeMs : this.#dwellMs(moment);
    if (nowMs - place.sinceMs < neededMs) return `${nowMs - place.sinceMs} of ${neededMs} ms had passed`;
    if (budget.alert !== null) return 'an alert fired';
    if (this.#isStopped(moment)) return 'the budget stopped it';
    if (place.step === last) return null;
    const isSound = judge.soundly.isPassed && scene.fault === null && !judge.isConvicting(scene);
    if (plan.needsEvidence && !isSound) return 'it was not proven sound';
    return scene.stepRequests < plan.requestsMin
      ? `${scene.stepRequests} of ${plan.requestsMin} requests were there`
      : null;
  }

  #notWaited(kind: string, moment: Moment): string | null {
    const { plan } = moment.terms;
    const { place } = this.#run;
    if (plan === null || place.kind !== 'progressing') return `it was ${place.kind}`;
    if ((plan.onStepMax === 'rollback') !== (kind === 'rollback')) return `its plan says ${plan.onStepMax}`;
    const maxMs = Math.max(plan.stepMaxMs, this.#dwellMs(moment));
    const waitedMs = moment.nowMs - place.waitingSinceMs;
    return waitedMs >= maxMs ? null : `it had waited ${waitedMs} of ${maxMs} ms`;
  }

  #notResumed(moment: Moment): string | null {
    const { place } = this.#run;
    if (place.kind !== 'paused') return `it was ${place.kind}`;
    if (moment.nowMs - place.pausedAtMs < BUDGET_PAUSE_MS) return 'it had just been paused';
    return this.#isStopped(moment) ? 'the budget still stopped it' : null;
  }

  #isBurning({ terms: { budgetRatio }, nowMs }: Moment): boolean {
    if (!this.#isOnLastStep) return false;
    return [FIVE_MINUTES_MS, HOUR_MS].every((windowMs) => {
      const recent = this.#onLast.filter(([atMs]) => nowMs - atMs <= BURN_SLACK * windowMs);
      const finished = recent.reduce((sum, [, count]) => sum + count, 0);
      const bad = recent.reduce((sum, [, , count]) => sum + count, 0);
      return finished > 0 && bad / finished / budgetRatio >= BURN;
    });
  }

  /** Shortest stay on this step. */
  #dwellMs({ budget, terms }: Moment): number {
    const { ladder, place } = this.#run;
    const { slowBelowRatio } = terms.budgetPolicy;
    const isSlow = budget.ratio !== null && (budget.ratio <= 0 || budget.ratio < slowBelowRatio);
    const isFrozen = this.#isFrozen(budget, terms);
    return (ladder[place.step]?.dwellMs ?? 0) * (isSlow && !isFrozen ? SLOW_FACTOR : 1);
  }

  #isFrozen({ ratio }: Budget, { budgetPolicy }: Terms): boolean {
    return ratio !== null && ratio <= 0 && budgetPolicy.freeze && this.#run.fixReason === '';
  }

  #isStopped({ budget, terms, scene }: Moment): boolean {
    if (this.#isFrozen(budget, terms)) return true;
    const { leftAtStart, fixReason } = this.#run;
    if (leftAtStart === null || fixReason !== '') return false;
    const badMax = Math.floor(Math.max(0, leftAtStart) * terms.budgetPolicy.releaseAllowanceRatio);
    return badMax >= 1 && this.#caused(scene) > badMax;
  }

  /** Bad requests above what stable's share explains, since the start. */
  #caused({ requests }: Scene): number {
    const [cf, cb, sf, sb] = requests.map((count, n) => count - (this.#base[n] as number)) as unknown as Four;
    const expected = cf * (sf === 0 ? 0 : sb / sf);
    return this.#run.spentBefore + Math.max(0, Math.floor(cb - expected));
  }

  #next(kind: string, moment: Moment): Run {
    const { command, nowMs } = moment;
    const run = labeled(this.#run, command);
    const { place, ladder } = run;
    const here = { ...place, waitingSinceMs: nowMs };
    switch (kind) {
      case 'start':
        return this.#started(run, moment);
      case 'rollback':
        return { ...run, place: { ...here, kind: 'rolled-back', step: -1, sinceMs: nowMs } };
      case 'pause':
        return { ...run, place: { ...place, kind: 'paused', pausedAtMs: nowMs } };
      case 'resume':
        return { ...run, place: { ...here, kind: place.step === ladder.length - 1 ? 'baking' : 'progressing' } };
      case 'undo':
        return this.#undone(command, nowMs);
      default: {
        const last = ladder.length - 1;
        if (place.step === last) return { ...run, place: { ...place, kind: 'succeeded' } };
        const step = place.step + 1;
        return { ...run, place: { ...here, kind: step === last ? 'baking' : 'progressing', step, sinceMs: nowMs } };
      }
    }
  }

  #started(run: Run, { terms, budget, nowMs }: Moment): Run {
    const steps = terms.plan?.steps ?? [];
    const [first] = steps;
    const { slowBelowRatio } = terms.budgetPolicy;
    const isSlow = budget.ratio !== null && (budget.ratio <= 0 || budget.ratio < slowBelowRatio);
    const isSmall = isSlow && first !== undefined && first.percent > SLOW_PERCENT;
    const ladder = isSmall ? [{ percent: SLOW_PERCENT, dwellMs: first.dwellMs }, ...steps] : steps;
    const kind = ladder.length === 1 ? 'baking' : 'progressing';
    const place = { kind, step: 0, sinceMs: nowMs, waitingSinceMs: nowMs, pausedAtMs: nowMs, by: '' };
    return { place, ladder, fixReason: run.fixReason, leftAtStart: budget.events, spentBefore: 0 };
  }

  /** The stay begins anew where the weight is another one. */
  #undone(command: Command | null, nowMs: number): Run {
    const before = labeled(this.#undo ?? this.#run, command);
    const isSame = percentOf(before) === percentOf(this.#run);
    const sinceMs = isSame ? before.place.sinceMs : nowMs;
    return { ...before, place: { ...before.place, sinceMs, waitingSinceMs: nowMs } };
  }
}

function runOf({ state, ladder, fixReason, leftAtStart, spentBefore }: Omit<Memory, 'undo'>): Run {
  const { kind, step = -1, sinceMs = 0, waitingSinceMs = 0, pausedAtMs = 0, by = '' } = state;
  return {
    place: { kind, step, sinceMs, waitingSinceMs, pausedAtMs, by },
    ladder,
    fixReason,
    leftAtStart,
    spentBefore,
  };
}

function later({ place, ...rest }: Run, gapMs: number): Run {
  const { sinceMs, waitingSinceMs, pausedAtMs } = place;
  const moved = {
    sinceMs: sinceMs + gapMs,
    waitingSinceMs: waitingSinceMs + gapMs,
    pausedAtMs: pausedAtMs + gapMs,
  };
  return { ...rest, place: { ...place, ...moved } };
}

/** A fix overrules the budget; a new start needs a new label. */
function labeled(run: Run, command: Command | null): Run {
  if (command?.isFix === true) return { ...run, fixReason: command.reason.trim() };
  return command?.name === 'start' ? { ...run, fixReason: '' } : run;
}

/** Share of users; null: as configured. */
function percentOf({ place, ladder }: Run): number | null {
  if (place.kind === 'idle') return null;
  return place.kind === 'rolled-back' ? 0 : (ladder[place.step]?.percent ?? 0);
}

/** The canary's weight in the operator's units. */
function weightOf(run: Run, { plan, stable, canary }: Terms): number {
  const percent = percentOf(run);
  const scale = plan === null ? 1 : WEIGHT_SCALE;
  if (percent === null) return canary.weight / scale;
  if (percent === 0 || plan === null) return 0;
  return Math.max(1, Math.round(((stable.weight + canary.weight) * percent) / 100)) / scale;
}
