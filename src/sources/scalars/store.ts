/**
 * What reaches a store: its URL, a prefix of its keys, names and secrets.
 *
 * A secret is checked without ever being shown: problems are logged and printed. A URL that holds a password is refused
 * for the same reason: URLs are shown as what a source is called.
 */

import { type Check, didYouMean, type Fault, wrongType } from '../problems/fault.ts';

const SECRET_CHARS_MAX = 4096;
const PREFIX = /^\/*[A-Za-z0-9._-][A-Za-z0-9._\-/]{0,255}$/;
const WORD = /^[A-Za-z0-9._-]{1,128}$/;

export const URL_META = { type: 'string', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^@\\s]+$' };
export const PREFIX_META = { type: 'string', pattern: PREFIX.source };
export const WORD_META = { type: 'string', pattern: WORD.source };
export const SECRET_META = { type: 'string', maxLength: SECRET_CHARS_MAX };

/** The base of a store's API: `http://127.0.0.1:8500`, without a path. */
export function checkOriginUrl(value: unknown): Fault | null {
  const fault = checkUrl(value);
  if (fault !== null) return fault;
  const url = new URL(value as string);
  if (url.pathname === '/' && url.search === '' && url.hash === '') return null;
  return { kind: 'url', expected: 'a URL without a path', hint: didYouMean(url.origin) };
}

/** An http or https URL without a user name and password in it. */
export function checkUrl(value: unknown): Fault | null {
  const expected = 'a URL such as http://127.0.0.1:8500';
  if (typeof value !== 'string') return wrongType(expected, value);
  const url = URL.parse(value);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    const isBare = /^[\w.-]+:\d+$/.test(value);
    return {
      kind: 'url',
      expected,
      got: value.includes('@') ? HIDDEN : `${JSON.stringify(value.slice(0, 60))}`,
      hint: isBare ? didYouMean(`http://${value}`) : '',
    };
  }
  if (url.username === '' && url.password === '') return null;
  return { kind: 'url', expected: 'a URL without a user name', got: HIDDEN, hint: 'use the fields made for secrets' };
}

const HIDDEN = 'one that is not shown';

/** What the keys of a store begin with. */
export const checkPrefix: Check = (value) => textFault(value, 'letters, digits and ._-/, at most 256', PREFIX);

/** A name without any structure, such as a datacenter's. */
export const checkWord: Check = (value) => textFault(value, 'letters, digits and ._-, at most 128', WORD);

function textFault(value: unknown, what: string, form: RegExp): Fault | null {
  if (typeof value !== 'string') return wrongType(what, value, typeof value === 'number' ? 'put it in quotes' : '');
  return form.test(value) ? null : { kind: 'sourceText', expected: what };
}

/** A token, a password, a user name; empty is none. */
export const checkSecret: Check = (value) => {
  const expected = `text of at most ${SECRET_CHARS_MAX} visible characters`;
  // An empty default of a variable is typed as null.
  if (value === null) return null;
  if (typeof value !== 'string') return { ...wrongType(expected, value, 'put it in quotes'), got: 'something else' };
  if (value.length <= SECRET_CHARS_MAX && /^[\x21-\x7e]*$/.test(value)) return null;
  return { kind: 'sourceText', expected, got: `${value.length} characters, which are not shown` };
};
