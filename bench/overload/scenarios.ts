/**
 * What is measured: five kinds of services at steady loads, and a spike with clients that try again.
 */

import { capacityOf, MAIN, OTHERS, type Shape } from '../../test/support/simulate/load/shapes.ts';
import type { ContenderName } from './contenders.ts';
import type { Scenario } from './measure.ts';

/** The limit is found. */
const LEARN_MS = 5000;
/** Three times the load for five seconds, to a service at 0.85 of what it can do. */
const SPIKE = { factor: 3, usual: 0.85, fromMs: 10_000, untilMs: 15_000, durationMs: 30_000, retries: 3 } as const;
export const FACTORS: readonly number[] = [0.8, 2, 5, 10];
/** A second's recovery begins five seconds after the spike; relative to what is measured. */
export const RECOVERED_FROM_SECOND = (SPIKE.untilMs + 5000 - LEARN_MS) / 1000;
export const USUAL_FACTOR = SPIKE.usual;

/** A scenario, with who takes part. */
export interface Entry {
  readonly scenario: Scenario;
  readonly kind: 'steady' | 'spike';
  /** Of `steady`. */
  readonly factor: number;
  readonly contenders: readonly ContenderName[];
}

/** When a steady load is measured, and for how long. */
interface Times {
  readonly fromMs: number;
  readonly seconds: number;
}

export function shapeName({ servers, meanMs, sigma }: Shape): string {
  return `${servers} servers of ${meanMs} ms${sigma === 0.5 ? '' : `, sigma ${sigma}`}`;
}

/** A load that stays as it is. */
function steady(contenders: readonly ContenderName[], shape: Shape, factor: number, times: Times): Entry {
  const { fromMs, seconds } = times;
  const durationMs = fromMs + seconds * 1000;
  const phases = [{ untilMs: durationMs, factor }];
  const name = `${shapeName(shape)} at ${factor}`;
  return {
    kind: 'steady',
    factor,
    contenders,
    scenario: { name, shape, phases, durationMs, fromMs, retries: 0 },
  };
}

function spike(shape: Shape, contenders: readonly ContenderName[]): Entry {
  const { factor, usual, fromMs, untilMs, durationMs, retries } = SPIKE;
  const phases = [
    { untilMs: fromMs, factor: usual },
    { untilMs, factor },
    { untilMs: durationMs, factor: usual },
  ];
  const name = `${shapeName(shape)}, 5 s at ${factor}`;
  return {
    kind: 'spike',
    factor: usual,
    contenders,
    scenario: { name, shape, phases, durationMs, fromMs: LEARN_MS, retries },
  };
}

/** What a run takes part of. */
export interface Choice {
  readonly factors: readonly number[];
  /** Measured time of a steady load. */
  readonly seconds: number;
  /** Requests per second that generator and upstream can make on this machine; what needs more is left out. */
  readonly rateMax: number;
}

/** Everything that is measured, and the names of what is left out: the first shape by everybody, the others by Sluice alone. */
export function entriesOf(
  contenders: readonly ContenderName[],
  { factors, seconds, rateMax }: Choice,
): { entries: Entry[]; left: string[] } {
  const own = contenders.filter((name) => name === 'sluice');
  const times = { fromMs: LEARN_MS, seconds };
  const entries = [
    ...factors.map((factor) => steady(contenders, MAIN, factor, times)),
    spike(MAIN, contenders),
    ...OTHERS.flatMap((shape) => factors.map((factor) => steady(own, shape, factor, times))),
  ].filter((entry) => entry.contenders.length > 0);
  const isPossible = ({ scenario, factor }: Entry): boolean => capacityOf(scenario.shape) * factor <= rateMax;
  return {
    entries: entries.filter(isPossible),
    left: entries.filter((entry) => !isPossible(entry)).map(({ scenario }) => scenario.name),
  };
}

/** As little as shows that the bench still works; its figures mean nothing. */
export function smokeEntries(contenders: readonly ContenderName[]): { entries: Entry[]; left: string[] } {
  return { entries: [steady(contenders, MAIN, 2, { fromMs: 1000, seconds: 1 })], left: [] };
}
