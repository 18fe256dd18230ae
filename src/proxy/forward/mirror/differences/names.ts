/**
 * Names of JSON members and headers, as people are shown them: what may be somebody's data is not.
 *
 * A key is a name if it is a short word of letters, digits and `_ - $ . : @` that begins with a letter, `_`, `$` or `@` and has at
 * most four digits, none but at most two at its end where it has small and capital letters, and no more than `UNBROKEN_MAX`
 * characters without a break: another character, or a capital after a small letter. Any other, an id, an address, a sentence, is `*`,
 * and all such members of an object are one place. What looks like a word is one: a user's name as a key, say.
 */

/** What stands for keys that are no names. */
export const ANY_NAME = '*';
/** A list's elements. */
export const ELEMENTS = '[]';
/** Longest path; what lies deeper counts for the place where it is cut. */
export const PATH_CHARS_MAX = 200;

const NAME_CHARS_MAX = 64;
const UNBROKEN_MAX = 24;
const DIGITS_MAX = 4;
/** Small and capital letters with a digit between. */
const MIXED = /^(?=.*\p{Ll})(?=.*\p{Lu}).*\p{N}(?:.*[^\p{N}]|\p{N}{2,}$)/u;
const UNBROKEN = new RegExp(`[\\p{Ll}\\p{N}]{${UNBROKEN_MAX + 1}}|[\\p{Lu}\\p{N}]{${UNBROKEN_MAX + 1}}`, 'u');
const NAME = /^[\p{L}_$@][\p{L}\p{M}\p{N}_$.:@-]*$/u;
const PLAIN = /^[\p{L}_$][\p{L}\p{M}\p{N}_$-]*$/u;

/** The key itself, or `*`. Cost: O(1), as longer keys are not looked at. */
export function nameOf(key: string): string {
  if (key.length > NAME_CHARS_MAX || !NAME.test(key) || key.indexOf('@') > 0) return ANY_NAME;
  if (key.length > UNBROKEN_MAX && UNBROKEN.test(key)) return ANY_NAME;
  let digits = 0;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (code >= 48 && code <= 57) digits++;
  }
  return digits > DIGITS_MAX || (digits > 0 && MIXED.test(key)) ? ANY_NAME : key;
}

/** Path of a member. @param name of `nameOf`, or `ELEMENTS` */
export function pathTo(path: string, name: string): string {
  const step = name === ELEMENTS ? name : name === ANY_NAME || PLAIN.test(name) ? `.${name}` : `["${name}"]`;
  return cut(path + step);
}

function cut(path: string): string {
  return path.length <= PATH_CHARS_MAX ? path : `${path.slice(0, PATH_CHARS_MAX - 1)}…`;
}
