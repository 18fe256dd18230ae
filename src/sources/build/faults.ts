/**
 * Builds the faults of a route from a sound document.
 */

import type { FaultConfig } from '../../model/threads/faults.ts';
import { parseInstant } from '../scalars/duration.ts';
import type { RouteInput } from '../schema.ts';
import { sure, toBytes, toMs } from './values.ts';

type FaultInput = NonNullable<RouteInput['faults']>[number];

/** When a fault begins and ends, ms since 1970; its instants are sound. NaN: it has no end. */
export function faultTimes({ from, until, for: lasts }: FaultInput): {
  readonly fromMs: number;
  readonly untilMs: number;
} {
  const fromMs = sure(parseInstant(from));
  return { fromMs, untilMs: until === undefined ? fromMs + toMs(lasts, Number.NaN) : sure(parseInstant(until)) };
}

/** Undefined where there are none: such a route is as it was before there were faults. */
export function buildFaults({ name: route, faults = [] }: RouteInput): readonly FaultConfig[] | undefined {
  if (faults.length === 0) return undefined;
  return faults.map((fault) => {
    const { name, match = {}, percent = 100, delay, abort, bandwidth } = fault;
    const { version = null, color = null, header } = match;
    return {
      id: `${route}/${name}`,
      match: {
        version,
        color,
        header: header === undefined ? null : { name: header.name.toLowerCase(), value: header.value },
      },
      ratio: percent / 100,
      delay: delay === undefined ? null : { ms: toMs(delay.time, 0), distribution: delay.distribution ?? 'fixed' },
      abortStatus: abort?.status ?? null,
      ...(bandwidth !== undefined && {
        bandwidth: {
          requestBytesPerS: bytesOf(bandwidth.request),
          responseBytesPerS: bytesOf(bandwidth.response),
        },
      }),
      ...faultTimes(fault),
    };
  });
}

function bytesOf(size: number | string | undefined): number | null {
  return size === undefined ? null : toBytes(size, 0);
}
