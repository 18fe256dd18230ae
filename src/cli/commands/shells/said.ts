/**
 * What scripts of shells and the documentation are made from: a command and all that can be said to it.
 */

import type { OptionWord, Words } from '../words.ts';

export interface Said extends Words {
  readonly name: string;
  readonly about: string;
  /** The answer to --help. */
  readonly usage: string;
}

/** What the value of an option is, as far as a shell can help with it. */
export type ValueKind = 'none' | 'choices' | 'file' | 'folder' | 'other';

/** By the name that the help gives the value. */
export function valueKindOf({ value, choices }: OptionWord): ValueKind {
  if (value === '') return 'none';
  if (choices.length > 0) return 'choices';
  if (value === 'FILE') return 'file';
  return value === 'DIR' ? 'folder' : 'other';
}
