/**
 * What the logs of a fleet's gateways say of rollbacks: when one was decided, and when each of the others had it.
 *
 * The clock is the machine's, which all of them share. A gateway writes its line when the canary's weight in its memory is 0 already.
 */

/** One rollback. */
export interface Rollback {
  /** Which gateway decided, by its place among the logs. */
  readonly decidedBy: number;
  /** Of the others, each: from the decision to its line, ms. Negative, if a clock was set back. */
  readonly delaysMs: readonly number[];
}

interface Line {
  readonly time?: string;
  readonly event?: string;
  readonly at?: string;
  readonly state?: string;
}

/**
 * Every rollback that all gateways have told of, in order.
 * @param logs whole lines of each gateway, as they were written; what is no JSON is left out
 */
export function rollbacksIn(logs: readonly string[]): Rollback[] {
  const told = logs.map(linesOf);
  const decided = told
    .flatMap((lines, gateway) =>
      lines.filter(({ event }) => event === 'rollback').map(({ at = '' }) => ({ gateway, atMs: Date.parse(at) })),
    )
    .toSorted((a, b) => a.atMs - b.atMs);
  // The nth that a gateway has decided or followed is the nth of all.
  const heard = told.map((lines) => lines.filter(isRollback).map(({ time = '' }) => Date.parse(time)));
  return decided.flatMap(({ gateway, atMs }, n) => {
    const times = heard.filter((_, other) => other !== gateway).map((own) => own[n]);
    if (times.some((time) => time === undefined)) return [];
    return [{ decidedBy: gateway, delaysMs: times.map((time) => (time as number) - atMs) }];
  });
}

/** @param ratio above 0, at most 1 */
export function quantileOf(numbers: readonly number[], ratio: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * ratio) - 1] ?? Number.NaN;
}

function isRollback({ event, state }: Line): boolean {
  return event === 'rollback' || (event === 'fleet_followed' && state === 'rolled-back');
}

function linesOf(log: string): Line[] {
  return log.split('\n').flatMap((text) => {
    if (!text.startsWith('{')) return [];
    return [JSON.parse(text) as Line];
  });
}
