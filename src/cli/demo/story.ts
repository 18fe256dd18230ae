/**
 * The demo's story: a calm start, a canary's ramp, a fault, a rollback that nobody asked for, and what came after.
 *
 * Only what was measured is told, and only what was measured counts: `missing` lists what a successful story would have
 * shown and this one did not. The users' numbers are the load's own counts, not the gateway's.
 */

import type { Decision, LoggedDecision } from '../../model/slo.ts';
import type { Status, VersionStatus } from '../../model/status.ts';
import type { Load, Phase } from './load.ts';
import { formatMs, formatShare, latencyText, type Screen, versionsText } from './screen.ts';

/** What the story plays on. */
export interface Stage {
  readonly screen: Screen;
  readonly load: Load;
  /** Saves the configuration with this share for v2, in percent. */
  setCanary(percent: number): void;
  /** Makes v2 fail this share of its requests from now on. */
  breakCanary(failRatio: number): Promise<void>;
  status(): Promise<Status>;
  decisions(): Promise<readonly LoggedDecision[]>;
  nowMs(): number;
  /** Rejects when the demo is being ended. */
  sleep(ms: number): Promise<void>;
}

export interface Pace {
  readonly calmMs: number;
  /** Time at each share of the ramp. */
  readonly stepMs: number;
  /** Longest wait for a saved configuration to be in force. */
  readonly reloadMsMax: number;
  /** Longest wait for the rollback. */
  readonly detectMsMax: number;
  /** Time that is watched after the rollback. */
  readonly afterMs: number;
  /** Longest wait beyond it for as many successes as there must be: the machine may have stood still. */
  readonly afterMsMore: number;
  readonly pollMs: number;
  /** Fewest successful requests after the rollback. */
  readonly afterSuccessesMin: number;
}

/** About 20 seconds in all. */
export const PACE: Pace = {
  calmMs: 2000,
  stepMs: 2500,
  reloadMsMax: 30_000,
  detectMsMax: 30_000,
  afterMs: 4000,
  afterMsMore: 10_000,
  pollMs: 20,
  afterSuccessesMin: 400,
};

const RAMP = [5, 10, 20] as const;
const FAIL_RATIO = 0.2;
const ROUTE = 'checkout';

/** Plays the story. @returns what was missing; empty when everything happened as promised. */
export async function play(stage: Stage, pace: Pace): Promise<readonly string[]> {
  const { screen, load } = stage;
  screen.at(`route /${ROUTE}  v1 100 %   SLO 99.9 % good, 99 % within 300 ms`);
  const before: Phase[] = [load.begin()];
  await stage.sleep(pace.calmMs);
  screen.more(`${versionsText(before[0] as Phase)}   ${latencyText(before[0] as Phase)}`, 'dim');
  for (const percent of RAMP) {
    const problem = await rampTo(percent, before, stage, pace);
    if (problem !== null) return [problem];
  }
  const broken = load.begin();
  await stage.breakCanary(FAIL_RATIO);
  screen.at(`(demo) v2 starts failing ${FAIL_RATIO * 100} % of its requests`, 'bold');
  const decision = await rollbackOf(stage, pace);
  if (decision === null) return [`no rollback of v2 within ${formatMs(pace.detectMsMax)} of its first failures`];
  const after = load.begin();
  await load.settle(broken);
  tellRollback(stage, decision, [...before, broken], broken);
  return watchAfter(stage, after, pace);
}

/** One step of the ramp. @returns why it did not come into force, or null. */
async function rampTo(percent: number, before: Phase[], stage: Stage, pace: Pace): Promise<string | null> {
  const savedAtMs = stage.nowMs();
  stage.setCanary(percent);
  const inForce = async () => {
    const { routes, workers, config } = await stage.status();
    const canary = versionIn(routes, 'v2');
    return canary?.weight === percent && workers.every((worker) => worker.revision === config.revision);
  };
  if (!(await until(inForce, stage, pace.reloadMsMax, pace.pollMs))) {
    return `the saved weight ${percent} of v2 was not in force within ${formatMs(pace.reloadMsMax)}`;
  }
  const tookMs = stage.nowMs() - savedAtMs;
  const phase = stage.load.begin();
  before.push(phase);
  stage.screen.at(`canary v2 ${String(percent).padStart(2)} %  in force ${formatMs(tookMs)} after the file was saved`);
  await stage.sleep(pace.stepMs);
  stage.screen.more(`${versionsText(phase)}   ${latencyText(phase)}`, 'dim');
  return null;
}

async function rollbackOf(stage: Stage, pace: Pace): Promise<Decision | null> {
  let found: LoggedDecision | undefined;
  const isThere = async () => {
    const decisions = await stage.decisions();
    found = decisions.find((one) => one.kind === 'rollback' && one.route === ROUTE && one.canary === 'v2');
    return found !== undefined;
  };
  await until(isThere, stage, pace.detectMsMax, pace.pollMs);
  return found === undefined || found.kind === 'revert' ? null : found;
}

function tellRollback(stage: Stage, decision: Decision, before: readonly Phase[], broken: Phase): void {
  const { screen } = stage;
  const { requests } = decision.verdict;
  const detected = decision.detectedInMs < 0 ? 'not measured' : formatMs(decision.detectedInMs);
  const sent = before.reduce((sum, phase) => sum + phase.sent, 0);
  const failed = before.reduce((sum, phase) => sum + phase.failed, 0);
  screen.at(`✖ ROLLED BACK v2: weight ${decision.weightBefore} → ${decision.weightAfter}`, 'bad');
  screen.more(decision.sentence);
  screen.more(`detected in    ${detected} from its first bad answer to the decision`);
  screen.more(`switched in    ${formatMs(decision.switchedInMs)} from the decision to the dial`);
  screen.more(
    `evidence       v2 ${requests.canary.bad} bad of ${requests.canary.finished}, ` +
      `v1 ${requests.stable.bad} bad of ${requests.stable.finished} requests`,
  );
  screen.more(
    `users saw      ${failed} failures${blameText(before)} in ${sent} requests since the start ` +
      `(${formatShare(failed, sent)}), ${latencyText(broken)} while v2 was broken`,
  );
}

/** ` (gateway 1, v2 3)`: whose answers the failures were, as far as there were any; empty without. */
function blameText(phases: readonly Phase[]): string {
  const failures = new Map<string, number>();
  for (const { byVersion } of phases) {
    for (const [name, { failed }] of byVersion) failures.set(name, (failures.get(name) ?? 0) + failed);
  }
  const blamed = [...failures].filter(([, count]) => count > 0).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return blamed.length === 0 ? '' : ` (${blamed.map(([name, count]) => `${name} ${count}`).join(', ')})`;
}

/** Watches stable go on. @returns what is missing. */
async function watchAfter(stage: Stage, after: Phase, pace: Pace): Promise<readonly string[]> {
  await stage.sleep(pace.afterMs);
  await until(async () => after.succeeded >= pace.afterSuccessesMin, stage, pace.afterMsMore, pace.pollMs);
  const { routes } = await stage.status();
  stage.load.begin();
  await stage.load.settle(after);
  const [stable, canary] = [versionIn(routes, 'v1'), versionIn(routes, 'v2')];
  const isServing = after.failed === 0 && after.succeeded >= pace.afterSuccessesMin;
  stage.screen.at(
    `${isServing ? '✔ stable kept serving' : '✖ stable did not keep serving'}: ${after.succeeded} of ${after.sent} ` +
      `requests since then succeeded, ${latencyText(after)}`,
    isServing ? 'good' : 'bad',
  );
  stage.screen.more(`dials          ${dialText('v1', stable)}, ${dialText('v2', canary)}`);
  const rescued = canary?.rescued ?? null;
  if (rescued !== null) {
    stage.screen.more(`rescued        ${rescued.good} failures of v2 by v1, ${rescued.skipped} not as it had no room`);
  }
  const canaryAnswers = after.byVersion.get('v2');
  const missing: string[] = [];
  if (canary?.weight !== 0) missing.push(`v2 has weight ${canary?.weight ?? 'unknown'} in status, not 0`);
  if (canaryAnswers !== undefined) {
    missing.push(`v2 still answered ${canaryAnswers.succeeded + canaryAnswers.failed} requests after the rollback`);
  }
  if (after.failed > 0) missing.push(`${after.failed} requests failed after the rollback`);
  if (after.succeeded < pace.afterSuccessesMin) {
    missing.push(`only ${after.succeeded} requests succeeded after the rollback, ${pace.afterSuccessesMin} expected`);
  }
  return missing;
}

function dialText(name: string, version: VersionStatus | undefined): string {
  return version === undefined
    ? `${name} unknown`
    : `${name} ${version.weight} (configured ${version.weightConfigured})`;
}

function versionIn(routes: Status['routes'], name: string): VersionStatus | undefined {
  return routes.find((route) => route.name === ROUTE)?.versions.find(({ version }) => version === name);
}

/** Polls until `isTrue`; false when it was not within `msMax`. */
async function until(isTrue: () => Promise<boolean>, stage: Stage, msMax: number, pollMs: number): Promise<boolean> {
  const deadlineMs = stage.nowMs() + msMax;
  for (;;) {
    if (await isTrue()) return true;
    if (stage.nowMs() >= deadlineMs) return false;
    await stage.sleep(pollMs);
  }
}
