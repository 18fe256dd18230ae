/**
 * Says in one sentence with numbers what a version's drift is about, and what follows.
 */

import type { DriftKind, DriftSpec, SloIndicator } from '../../../model/slo.ts';
import { burnRate } from '../burn.ts';
import type { WindowCounts } from '../ring.ts';
import { MILD_BURN, SEVERE_BURN } from './grade.ts';

/** What the last evaluations saw. */
export interface Seen {
  readonly indicator: SloIndicator;
  readonly targetRatio: number;
  readonly counts: WindowCounts;
  readonly forMs: number;
}

/** What happened to the version. */
export function driftSentence(spec: DriftSpec, after: DriftKind, seen: Seen): string {
  const { counts, indicator, targetRatio, forMs } = seen;
  const total = counts.good + counts.bad;
  const burn = burnRate(counts, 1 - targetRatio);
  const what = indicator === 'latency' ? 'failed or were late' : 'failed';
  const facts =
    `${counts.bad} of ${total} requests ${what} in ${Math.round(forMs / 1000)} s, ` +
    `${burn === null ? 'no burn' : `a burn of ${digits(burn)}x`} of its ${digits(targetRatio * 100)} %`;
  const who = `${spec.service} ${spec.version} on ${spec.route}`;
  if (after === 'offline') {
    return `${who} is offline: ${facts} (limit ${SEVERE_BURN}x), while another version does better; a person must restore it`;
  }
  if (after === 'mild') {
    const { keepRatio, sampleRatio } = spec.drift;
    const logged = `${digits(sampleRatio * 100)} % of its requests are logged`;
    return `${who} drifts: ${facts} (limit ${MILD_BURN}x); it keeps ${digits(keepRatio * 100)} % of its weight, and ${logged}`;
  }
  return `${who} has recovered: ${facts}; it has its weight back`;
}

/** Four digits, without zeros at the end. */
function digits(value: number): number {
  return Number(value.toPrecision(4));
}
