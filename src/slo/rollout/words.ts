/**
 * Numbers of a rollout as people read them: lengths of time, shares of users, counts.
 */

const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** `90 ms`, `12 s`, `1.5 min`, `2 h`: rounded down, so that what is not over does not look over. */
export function duration(ms: number): string {
  for (const [unitMs, name] of UNITS) {
    if (ms >= unitMs) return `${Math.floor((ms / unitMs) * 10) / 10} ${name}`;
  }
  return `${Math.max(0, Math.floor(ms))} ms`;
}

/** `5 %`, `0.5 %`. */
export function share(percent: number): string {
  return `${Number(percent.toPrecision(6))} %`;
}

/** `1,204`. */
export function requests(count: number): string {
  return Math.floor(count).toLocaleString('en-US');
}
