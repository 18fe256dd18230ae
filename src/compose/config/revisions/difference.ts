/**
 * Why what is in force is not what the sources hold, in one sentence for status, probes and log.
 */

import type { RevisionsStatus, StaleStart } from '../../../model/threads/revision.ts';
import { codeOf } from '../../../sources/problems/codes.ts';

/** What is in force and what is known of the sources. */
export interface Standing extends Pick<RevisionsStatus, 'pin' | 'staleStart'> {
  /** Of what is in force; null before the first. */
  readonly hash: string | null;
  /** Of what was last taken of the sources; null: nothing. */
  readonly sourceHash: string | null;
  /** The newest of what they hold could not be used. */
  readonly isRefused: boolean;
}

/** Empty: it is what they hold. The same words as long as it lasts. */
export function differenceOf({ hash, sourceHash, staleStart, pin, isRefused }: Standing): string {
  if (hash === null) return 'none was accepted yet';
  const stale = staleStart === null ? [] : [sentenceOf(staleStart)];
  const pinned = pin === null ? [] : [`pinned to revision ${pin.to} by ${pin.by}: ${pin.reason}`];
  if (stale.length + pinned.length > 0) return [...stale, ...pinned].join('; ');
  if (isRefused) return 'what the sources hold was refused; the last good configuration is in force';
  return sourceHash === hash ? '' : 'what the sources hold is not in force yet';
}

function sentenceOf({ number, confirmedAt, unanswered, passedOver }: StaleStart): string {
  const since =
    unanswered.length === 0 ? 'what they hold now is not accepted' : `no answer from ${unanswered.join(', ')} since`;
  const not = passedOver === '' ? '' : `, passed over: ${passedOver}`;
  return `${codeOf('staleStarted')} started with revision ${number}, which the sources confirmed last at ${confirmedAt}${not}; ${since}`;
}
