/**
 * The numbers that prove a decision, as a table and lines below it.
 */

import type { ArmCounts, Decision, LoggedDecision, Verdict } from '../../model/slo.ts';
import type { RevertDecision } from '../../model/threads/revision.ts';
import { table } from '../admin/table.ts';

/** Lines of text, none of them empty. */
export function proofLines(decision: LoggedDecision): string[] {
  return decision.kind === 'revert' ? revertLines(decision) : rolloutLines(decision);
}

function revertLines(decision: RevertDecision): string[] {
  const { id, at, track, failed, finished, limit, logE, threshold, tookMs, from, to } = decision;
  const what = track === 'errors' ? 'failed' : 'failed or were refused';
  return [
    `decided  ${at}, by evidence: decision ${id}`,
    `counted  ${failed} of ${finished} ${what} (${ratioText({ finished, bad: failed })}); ${percent(limit)} tolerated`,
    `evidence ${nats(logE)} of ${nats(threshold)} nats`,
    `reverted #${from.slice(0, 8)} to #${to.slice(0, 8)} in ${Math.round(tookMs)} ms`,
  ];
}

function rolloutLines(decision: Decision): string[] {
  const { id, at, trigger, verdict, canary, stable, weightBefore, weightAfter, revision } = decision;
  const { detectedInMs, switchedInMs, sampleRequestIds } = decision;
  const found = detectedInMs < 0 ? '' : `${Math.round(detectedInMs)} ms from the first bad answer to the decision, `;
  return [
    ...table(
      [
        ['', 'requests', 'bad', 'errors', 'user-seconds', 'bad', 'errors'],
        armRow(`canary ${canary}`, verdict.requests.canary, verdict.users.canary),
        armRow(`stable ${stable}`, verdict.requests.stable, verdict.users.stable),
      ],
      'right',
    ),
    `decided  ${at}, by ${trigger}: decision ${id}, configuration revision ${revision}`,
    `weight   ${weightBefore} to ${weightAfter} of the canary; ${found}${Number(switchedInMs.toPrecision(2))} ms to the switch`,
    ...evidenceLines(verdict, decision),
    ...(sampleRequestIds.length === 0 ? [] : [`requests ${sampleRequestIds.join(', ')}`]),
  ];
}

function armRow(name: string, requests: ArmCounts, users: ArmCounts): string[] {
  const cells = ({ finished, bad }: ArmCounts): string[] => [
    String(finished),
    String(bad),
    ratioText({ finished, bad }),
  ];
  return [name, ...cells(requests), ...cells(users)];
}

function evidenceLines(verdict: Verdict, { alpha, toleratedRatio }: Decision): string[] {
  const { state, logE, logEToFail, errors, latency, routes, shortfall, fault } = verdict;
  const ofRoutes = (routes ?? []).map(({ route, logE: own }) => `, ${route} ${nats(own)}`);
  const parts = `errors ${nats(errors.logE)}, latency ${nats(latency.logE)}${ofRoutes.join('')}`;
  const limit = `alpha ${alpha}, ${toleratedRatio} times stable's errors tolerated`;
  return [
    `verdict  ${state}: ${nats(logE)} of ${nats(logEToFail)} nats against the canary (${parts}; ${limit})`,
    ...latencyLines(latency.at),
    ...(shortfall === null ? [] : [`missing  ${shortfall.needed} ${shortfall.of} needed, ${shortfall.seen} seen`]),
    ...(fault === null ? [] : [`broken   ${fault}`]),
  ];
}

function latencyLines(at: Verdict['latency']['at']): string[] {
  if (at === null || at.canaryMs === null || at.stableMs === null) return [];
  const { quantile, canaryMs, stableMs, canaryLimitMs, slow } = at;
  const counts = `${slow.canary.bad} of ${slow.canary.finished} slower than ${msText(canaryLimitMs)}`;
  return [`latency  p${100 * quantile} of the canary ${msText(canaryMs)}, of stable ${msText(stableMs)}; ${counts}`];
}

function msText(ms: number): string {
  return `${Number(ms.toPrecision(3))} ms`;
}

function nats(logE: number): string {
  return logE.toFixed(2);
}

function ratioText({ finished, bad }: ArmCounts): string {
  return finished === 0 ? '-' : percent(bad / finished);
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`;
}
