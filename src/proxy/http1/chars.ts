/**
 * Byte classes of HTTP/1.1 heads, as lookup tables. Hot path.
 *
 * Source: RFC 9110 section 5.6.2 (token), 5.5 (field values), RFC 9112 section 3.2 (request target).
 */

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;
const HYPHEN = 45;
export const UNDERSCORE = 95;

/**
 * Folded byte of each token character, 0 for every other byte. Letters fold to lower case and `_` to `-`, because many
 * upstreams read `X_Forwarded_For` and `X-Forwarded-For` as one name.
 */
export const TOKEN_FOLD: Uint8Array = buildTokens();

/** 1 for bytes allowed in a field value: HTAB, SP, visible ASCII and obs-text; 0 for CTLs, DEL, CR, LF and NUL. */
export const FIELD_VALUE: Uint8Array = buildFieldValues();

/** Bytes of a request target: 0 refused, 1 plain, 2 needs a look (`%`, `.`, `/`, `;`, `\`, `?`). */
export const TARGET: Uint8Array = buildTargets();

/** Value of a hexadecimal digit plus 1, 0 for every other byte. */
export const HEX: Uint8Array = buildHex();

function buildTokens(): Uint8Array {
  const table = new Uint8Array(256);
  const extra = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
  for (const c of extra) table[c.charCodeAt(0)] = c.charCodeAt(0);
  for (let c = 65; c <= 90; c++) table[c] = c + 32;
  table[UNDERSCORE] = HYPHEN;
  return table;
}

function buildFieldValues(): Uint8Array {
  const table = new Uint8Array(256).fill(1, SP);
  table[HTAB] = 1;
  table[127] = 0;
  return table;
}

function buildTargets(): Uint8Array {
  const table = new Uint8Array(256).fill(1, 33, 127);
  table['#'.charCodeAt(0)] = 0;
  for (const c of '%./;\\?') table[c.charCodeAt(0)] = 2;
  return table;
}

function buildHex(): Uint8Array {
  const table = new Uint8Array(256);
  for (let v = 0; v < 16; v++) {
    const digit = v.toString(16);
    table[digit.charCodeAt(0)] = v + 1;
    table[digit.toUpperCase().charCodeAt(0)] = v + 1;
  }
  return table;
}

/**
 * May `bytes[from..end)` have ended a line, or shown that a CR stands alone, perhaps that before them? Nothing else is worth
 * another look at a head that was not complete.
 */
export function mayEndLine(bytes: Buffer, from: number, end: number): boolean {
  if (bytes[from - 1] === CR) return true;
  const part = bytes.subarray(from, end);
  return part.includes(CR) || part.includes(LF);
}
