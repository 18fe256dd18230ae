/**
 * Request ids as machine words.
 */

/** Word n (0..3) of a 32-digit hex id, ignoring dashes; 0 when it is not such an id. Off the hot path: bad events only. */
export function idWords(id: string): [number, number, number, number] {
  const digits = id.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(digits)) return [0, 0, 0, 0];
  const word = (n: number): number => Number.parseInt(digits.slice(n * 8, n * 8 + 8), 16) | 0;
  return [word(0), word(1), word(2), word(3)];
}
