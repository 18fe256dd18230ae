/**
 * Numbers as people read them. What is not known is a dash, never 0.
 */

export const NONE = '–';

/**
 * A share as a percentage with as many digits as tell something: `0.02 %`, `4.3 %`, `98 %`.
 * @param {number | null} ratio 0..1
 */
export function percent(ratio) {
  return ratio === null ? NONE : `${digits(ratio * 100)} %`;
}

/**
 * A target, in full: `99.95 %`.
 * @param {number} ratio
 */
export function target(ratio) {
  return `${Number((ratio * 100).toFixed(4))} %`;
}

/** @param {number | null} ms */
export function millis(ms) {
  if (ms === null) return NONE;
  return ms >= 10_000 ? `${digits(ms / 1000)} s` : `${digits(ms)} ms`;
}

/**
 * A burn rate: `14.4×`.
 * @param {number | null | undefined} rate
 */
export function burn(rate) {
  return rate === null || rate === undefined ? NONE : `${digits(rate)}×`;
}

/**
 * A count with thin spaces between thousands.
 * @param {number} value
 */
export function count(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/**
 * A length of time in its two greatest units: `3 d 4 h`, `12 s`.
 * @param {number | null} ms
 */
export function duration(ms) {
  if (ms === null) return NONE;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  for (const [index, [name, size]] of UNITS.entries()) {
    if (seconds < size) continue;
    const next = UNITS[index + 1];
    const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[1]);
    return `${Math.floor(seconds / size)} ${name}${next === undefined || rest === 0 ? '' : ` ${rest} ${next[0]}`}`;
  }
  return '0 s';
}

/** @type {readonly (readonly [string, number])[]} */
const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

/**
 * Time of day, UTC: `08:01:29`.
 * @param {number} atMs since 1970
 */
export function clock(atMs) {
  return new Date(atMs).toISOString().slice(11, 19);
}

/** @param {number} bytes */
export function bytes(bytes) {
  return bytes >= 1_073_741_824 ? `${digits(bytes / 1_073_741_824)} GiB` : `${digits(bytes / 1_048_576)} MiB`;
}

/**
 * Two significant digits below 10, whole numbers from 100 on.
 * @param {number} value
 */
export function digits(value) {
  const size = Math.abs(value);
  if (size >= 100) return count(value);
  if (size >= 10) return String(Number(value.toFixed(1)));
  if (size >= 0.01) return String(Number(value.toFixed(2)));
  return size === 0 ? '0' : String(Number(value.toPrecision(2)));
}
