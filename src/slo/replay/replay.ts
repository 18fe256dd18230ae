/**
 * Repeats what a tape holds: the same judge and the same machine, told the same things in the same order.
 *
 * ```
 * look ─▶ account, score ─▶ (freeze) ─▶ turn of the machine ─▶ decision?      command ─▶ obey ─▶ decision?
 * ```
 * Under the policy of then every decision comes out the same to the last bit; names and measured times are on the tape. Under
 * another one it is what that policy would have decided **on the traffic that was**: weights and steps on the tape are the
 * recorded ones, so behind the first decision that differs users were not where this policy would have had them. The
 * latency thresholds are the recorded ones, too: nobody counted at others.
 * Cost: about 9 us per look with traffic once latency is judged, reading it included.
 */

import { type Rollout, type RolloutCommand, type RolloutSpec, routesOf } from '../../model/rollout.ts';
import type { Decision, EvidenceRef, PairCounts } from '../../model/slo.ts';
import type { LatencyLimits } from '../latency/score.ts';
import { obey } from '../rollout/commands.ts';
import {
  factsOf,
  type Known,
  limitsOf,
  movedDecision,
  overruledDecision,
  shadowDecision,
} from '../rollout/decision.ts';
import { type BudgetReading, NO_BUDGET, type RolloutInput } from '../rollout/gates.ts';
import { type Moved, percentOf, turn } from '../rollout/machine.ts';
import { type Judged, RolloutRun } from '../rollout/run.ts';
import { weightsFor } from '../rollout/shares.ts';
import { followedOf } from '../verdict/endpoints/sick-endpoint.ts';
import { Account, type Look } from '../verdict/score/account.ts';
import { Score } from '../verdict/score/score.ts';
import { Shadows, type ShadowView } from '../verdict/score/shadows.ts';
import type { Facts, OpenRow, SpecRow, TapeRow } from './format.ts';

/** A decision that a replay came to. */
export interface Replayed {
  readonly decision: Decision;
  /** Since the tape began. */
  readonly afterMs: number;
  /** Canary requests, and bad ones, since the tape began. */
  readonly canaryFinished: number;
  readonly canaryBad: number;
  /** The tape has a decision at the same place. */
  readonly isRecorded: boolean;
}

/** The policy that judges; the same spec for the one of then. */
export type Respec = (spec: RolloutSpec) => RolloutSpec;

type State =
  | { readonly kind: 'progressing'; readonly account: Account; readonly score: Score; readonly shadows: Shadows }
  | { readonly kind: 'rolled-back'; readonly decision: Decision };

/** What has happened and is not decided on yet. */
type Pending =
  | { readonly kind: 'look' }
  | { readonly kind: 'command'; readonly command: RolloutCommand }
  | { readonly kind: 'renewal' };

/** What a tape says of a decision, and where. */
type Recorded = Facts & { readonly evidence: EvidenceRef };

export class Replay {
  readonly decisions: Replayed[] = [];
  readonly #respec: Respec;
  readonly #openedAtMs: number;
  readonly #openedAt: string;
  #spec: RolloutSpec;
  #run: RolloutRun;
  #state: State;
  #nowMs: number;
  #budget: BudgetReading = NO_BUDGET;
  #pending: Pending | null = null;
  #recorded: Recorded[] = [];
  #here: EvidenceRef | null = null;
  #isConvicted = false;
  #canaryFinished = 0;
  #canaryBad = 0;
  #ticks = 0;
  #weight: number;

  constructor({ spec, rollout, rolledBackBy, weight, nowMs, at }: OpenRow, respec: Respec) {
    this.#respec = respec;
    this.#openedAtMs = nowMs;
    this.#openedAt = at;
    this.#nowMs = nowMs;
    this.#weight = weight;
    this.#spec = respec(spec);
    this.#run = new RolloutRun(rollout);
    this.#state = rolledBackBy === null ? this.#fresh(weight, nowMs) : { kind: 'rolled-back', decision: rolledBackBy };
  }

  /** Looks so far. */
  get ticks(): number {
    return this.#ticks;
  }

  /** Canary requests, and bad ones, on the whole tape so far. */
  get canary(): { readonly finished: number; readonly bad: number } {
    return { finished: this.#canaryFinished, bad: this.#canaryBad };
  }

  get afterMs(): number {
    return this.#nowMs - this.#openedAtMs;
  }

  get rollout(): Rollout {
    return this.#run.rollout;
  }

  /** Takes the next row. @param here the segment that it stands in */
  take(row: TapeRow, here: EvidenceRef): void {
    if (row.kind === 'decided') {
      this.#recorded.push({ ...row.facts, evidence: here });
      return;
    }
    if (row.kind === 'freeze' && this.#recorded.length === 0) {
      this.#freeze(row.limits, row.nowMs);
      return;
    }
    this.finish();
    this.#here = here;
    this.#apply(row);
  }

  /** Decides on what is left; at the end of the tape. */
  finish(): void {
    const pending = this.#pending;
    this.#pending = null;
    if (pending?.kind === 'look') this.#turn();
    else if (pending?.kind === 'command') this.#obey(pending.command);
    else if (pending?.kind === 'renewal') this.#renew();
    this.#recorded = [];
  }

  #apply(row: Exclude<TapeRow, { kind: 'decided' }>): void {
    if ('nowMs' in row) this.#nowMs = row.nowMs;
    switch (row.kind) {
      case 'look':
        this.#look(row.look, row.trials, row.nowMs);
        break;
      case 'freeze':
        this.#freeze(row.limits, row.nowMs);
        break;
      case 'skip':
        this.#skip(row.nowMs, row.gapMs);
        break;
      case 'weigh':
        this.#weigh(row.weight);
        break;
      case 'spec':
        this.#follow(row);
        break;
      case 'budget':
        this.#budget = row.budget;
        break;
      case 'command':
        this.#pending = { kind: 'command', command: row.command };
        break;
      case 'note':
        if (this.#state.kind === 'progressing') for (const noted of row.noted) this.#state.account.note(noted);
        break;
      case 'meet':
        if (this.#state.kind === 'progressing') this.#state.account.sick.meet(row.names, row.nowMs);
        break;
      case 'open':
        throw new Error('the tape begins twice');
      default:
        row satisfies never;
    }
  }

  #look(look: Look, trials: readonly PairCounts[], nowMs: number): void {
    const { canary } = look.requests;
    this.#ticks += 1;
    this.#canaryFinished += canary.finished;
    this.#canaryBad += canary.bad;
    if (this.#state.kind === 'rolled-back') return;
    const { account, score, shadows } = this.#state;
    account.take(look, nowMs);
    const byErrors = score.look(this.#spec, look, account, nowMs);
    shadows.look(look, account, nowMs);
    const byLatency = account.latency.limits !== null && account.latency.judge(trials, nowMs);
    this.#isConvicted = byErrors || byLatency;
    this.#pending = { kind: 'look' };
  }

  #freeze(limits: LatencyLimits | null, nowMs: number): void {
    if (this.#state.kind === 'progressing') this.#state.account.latency.freeze(limits, nowMs);
  }

  #skip(nowMs: number, gapMs: number): void {
    if (this.#state.kind === 'rolled-back') return;
    const { account, score, shadows } = this.#state;
    score.skip(nowMs);
    shadows.skip(nowMs);
    account.latency.skip(nowMs);
    account.gap(nowMs);
    this.#run.passOver(gapMs);
  }

  #weigh(weight: number): void {
    this.#weight = weight;
    if (this.#state.kind === 'rolled-back') return;
    const { account, score, shadows } = this.#state;
    if (!account.weigh(weight, this.#nowMs)) return;
    score.step(this.#nowMs);
    shadows.step(this.#nowMs);
    account.latency.step(this.#nowMs);
  }

  #follow({ spec, weight, isFresh, isNew }: SpecRow): void {
    this.#spec = this.#respec(spec);
    this.#weight = weight;
    if (isNew) this.#pending = { kind: 'renewal' };
    else if (isFresh && this.#state.kind === 'progressing') {
      this.#run.rebase(this.#state.account.requests);
      this.#state = this.#fresh(weight, this.#nowMs);
    } else if (this.#state.kind === 'progressing') {
      const { account, shadows } = this.#state;
      shadows.follow(this.#spec.shadows, this.#nowMs);
      account.sick.follow(followedOf(this.#spec.canary), this.#nowMs);
    }
  }

  #turn(): void {
    if (this.#state.kind === 'rolled-back') return;
    const { account, score } = this.#state;
    const isConvicted = this.#isConvicted && score.isConvicted(this.#spec, account);
    const progressing = this.#state;
    if (!isConvicted) this.#tellShadows(progressing);
    if (!isConvicted && (this.#spec.plan === null || this.#run.rollout.state.kind === 'idle')) return;
    const moved = turn(this.#run.rollout, this.#input(isConvicted), this.#spec);
    if (moved !== null) this.#move(moved, '');
    if (isConvicted) this.#tellShadows(progressing);
  }

  #tellShadows({ account, shadows }: Extract<State, { kind: 'progressing' }>): void {
    for (const policy of shadows.decide(account)) {
      const facts = this.#facts(policy.name);
      const { canaryMs = null, stableMs = null } = facts ?? {};
      const { verdict } = shadows
        .views(account, () => ({ canaryMs, stableMs }))
        .find((one) => one.policy === policy) as ShadowView;
      const known = { verdict, limits: account.latency.limits, noticed: account };
      this.#tell(shadowDecision(this.#spec, policy, known, this.#circumstances(known, null, policy.name)));
    }
  }

  #obey(command: RolloutCommand): void {
    const moved = obey(this.#run.rollout, command, this.#input(null), this.#spec);
    if (!('refused' in moved)) this.#move(moved, command.by);
  }

  #renew(): void {
    const { kind } = this.#state;
    const before = this.#run.rollout;
    if (kind !== 'rolled-back' && before.state.kind === 'idle') return;
    const known = this.#known();
    const facts = this.#circumstances(known, null);
    this.#tell(overruledDecision(this.#spec, kind === 'rolled-back' ? null : before, known, facts));
  }

  #move(moved: Moved, by: string): void {
    const before = this.#run.rollout;
    const weight = this.#weightFor(moved.rollout);
    const known = this.#known();
    const facts = this.#circumstances(known, weight);
    const decision = movedDecision(this.#spec, { before, moved, by }, known, facts);
    this.#tell(decision);
    this.#settle(moved, decision, weight);
  }

  #settle({ rollout, kind }: Moved, decision: Decision, weight: number): void {
    const before = this.#state;
    if (rollout.state.kind === 'rolled-back') this.#state = { kind: 'rolled-back', decision };
    else if (before.kind === 'rolled-back') this.#state = this.#fresh(weight, this.#nowMs);
    this.#weigh(weight);
    const counts = this.#state.kind === 'progressing' ? this.#state.account.requests : null;
    this.#run.become(rollout, kind === 'start' || this.#state !== before, counts);
  }

  #tell(decision: Decision): void {
    const [canaryFinished, canaryBad] = [this.#canaryFinished, this.#canaryBad];
    const isRecorded = this.#facts(decision.certificate.shadow) !== null;
    this.decisions.push({ decision, afterMs: this.afterMs, canaryFinished, canaryBad, isRecorded });
  }

  #fresh(weight: number, nowMs: number): State {
    const account = new Account(this.#spec, { nowMs, weight });
    const { length } = routesOf(this.#spec);
    const shadows = new Shadows(this.#spec.shadows, nowMs, length);
    return { kind: 'progressing', account, score: new Score(this.#spec, nowMs, length), shadows };
  }

  #input(isConvicted: boolean | null): RolloutInput {
    return this.#run.input(this.#spec, this.#judged(), { nowMs: this.#nowMs, isConvicted, budget: this.#budget });
  }

  #judged(): Judged | null {
    if (this.#state.kind === 'rolled-back') return null;
    const { account, score } = this.#state;
    return {
      requests: account.requests,
      stepRequests: account.stepRequests,
      promotion: (spec) => score.promotion(spec, account),
    };
  }

  #known(): Known {
    if (this.#state.kind === 'rolled-back') {
      const { decision } = this.#state;
      return { verdict: decision.verdict, limits: limitsOf(decision), noticed: null };
    }
    const { account, score } = this.#state;
    const { canaryMs = null, stableMs = null } = this.#facts(null) ?? {};
    const verdict = score.verdict(this.#spec, account, () => ({ canaryMs, stableMs }));
    return { verdict, limits: account.latency.limits, noticed: account };
  }

  #facts(name: string | null): Recorded | null {
    return this.#recorded.find(({ shadow }) => shadow === name) ?? null;
  }

  /** What the tape says, or, where it has no decision, what can be said instead. @param weight the canary's dial afterwards */
  #circumstances({ verdict }: Known, weight: number | null, shadow: string | null = null): Recorded {
    const scale = this.#spec.weightScale;
    const after = weight === null ? {} : { weightAfter: weight / scale };
    const recorded = this.#facts(shadow);
    if (recorded !== null) return { ...recorded, ...after };
    const at = new Date(Date.parse(this.#openedAt) + this.afterMs).toISOString();
    const weightBefore = this.#weight / scale;
    const measured = {
      decidedAtMs: this.#nowMs,
      switchedInMs: 0,
      weightBefore,
      weightAfter: weightBefore,
      why: '',
      ...after,
    };
    const facts = factsOf(verdict, { id: this.decisions.length + 1, at, shadow, ...measured });
    return { ...facts, evidence: this.#here as EvidenceRef };
  }

  /** The canary's dial when its rollout stands there. */
  #weightFor(rollout: Rollout): number {
    const { canary } = this.#spec;
    const held = weightsFor(this.#spec, percentOf(rollout));
    return held.find(({ version }) => version === canary.version)?.weight ?? canary.weight;
  }
}
