/**
 * Says in one line how the answers of a mirror differ.
 */

import type { DifferenceStatus } from '../../../../model/threads/requests/compared.ts';

/** Where, and what there is instead: `$.price number -> string`, `header etag`, `status 200 -> 500`. */
export function placeText({ kind, path, from, to }: Pick<DifferenceStatus, 'kind' | 'path' | 'from' | 'to'>): string {
  const place = kind === 'header' || path === '' ? `${kind} ${path}`.trim() : path;
  const what = kind === 'value' && path !== '' ? ' value' : '';
  return from === '' ? place + what : `${place} ${from} -> ${to}`;
}

/**
 * @param candidate `service/version` @param real places with a real difference, the most important one first
 * @param compared requests that were compared at all
 */
export function mirrorSentence(candidate: string, real: readonly DifferenceStatus[], compared: number): string {
  const [first] = real;
  if (compared === 0) return `no answers of ${candidate} have been compared yet`;
  if (first === undefined) return `${compared} answers of ${candidate} differ no more than those of one version`;
  const more = real.length === 1 ? '' : `, and ${real.length - 1} more`;
  const counts = `${first.candidate} of ${first.compared} answers of ${candidate} differ`;
  return `${counts} where the version differs from itself in ${first.second}: ${placeText(first)}${more}`;
}
