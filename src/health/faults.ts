/**
 * Where a fault stands and what it does, in words. Pure.
 */

import type { FaultBandwidth, FaultConfig, FaultState } from '../model/threads/faults.ts';

/** @param wallMs wall clock, ms since 1970 */
export function stateOf({ fromMs, untilMs }: FaultConfig, isStopped: boolean, wallMs: number): FaultState {
  if (isStopped) return 'stopped';
  if (wallMs < fromMs) return 'scheduled';
  return wallMs < untilMs ? 'active' : 'over';
}

/** `10 % of the requests for v2 with x-game: day are held for 200 ms and answered with 503` */
export function faultSentence({ match, ratio, delay, abortStatus, bandwidth }: FaultConfig): string {
  const { version, color, header } = match;
  const whom = [
    version === null ? '' : ` for ${version}`,
    color === null ? '' : ` pinned by the color ${color}`,
    header === null ? '' : ` with ${header.name}: ${header.value}`,
  ].join('');
  const mean = delay?.distribution === 'exponential' ? ' in the mean' : '';
  const effects = [
    ...(delay === null ? [] : [`held for ${delay.ms} ms${mean}`]),
    ...(abortStatus === null ? [] : [`answered with ${abortStatus}`]),
    ...(bandwidth === undefined ? [] : slownessOf(bandwidth)),
  ];
  return `${Number((ratio * 100).toPrecision(3))} % of the requests${whom} are ${effects.join(' and ')}`;
}

function slownessOf({ requestBytesPerS, responseBytesPerS }: FaultBandwidth): string[] {
  return [
    ...(requestBytesPerS === null ? [] : [`sent on with ${requestBytesPerS} bytes/s`]),
    ...(responseBytesPerS === null ? [] : [`answered with ${responseBytesPerS} bytes/s`]),
  ];
}
