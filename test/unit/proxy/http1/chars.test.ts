/** Byte classes against the grammar, byte by byte. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FIELD_VALUE, HEX, TARGET, TOKEN_FOLD } from '#src/proxy/http1/chars.ts';

/** All 256 bytes with the character each one is in Latin-1. */
const BYTES = Array.from({ length: 256 }, (_, byte) => [byte, String.fromCharCode(byte)] as const);

describe('of all 256 bytes', () => {
  it('the token characters are those of RFC 9110, folded to lower case and _ to -', () => {
    for (const [byte, char] of BYTES) {
      const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(char);
      const folded = char === '_' ? '-' : char.toLowerCase();
      assert.equal(TOKEN_FOLD[byte], isToken ? folded.charCodeAt(0) : 0, `byte ${byte}`);
    }
  });

  it('a field value has tabs, spaces, visible characters and obs-text', () => {
    for (const [byte] of BYTES) {
      const isValue = byte === 9 || (byte >= 32 && byte !== 127);
      assert.equal(FIELD_VALUE[byte], isValue ? 1 : 0, `byte ${byte}`);
    }
  });

  it('a target has visible ASCII but #, and marks what needs a look', () => {
    for (const [byte, char] of BYTES) {
      const isTarget = byte > 32 && byte < 127 && char !== '#';
      assert.equal(TARGET[byte], !isTarget ? 0 : '%./;\\?'.includes(char) ? 2 : 1, `byte ${byte}`);
    }
  });

  it('hexadecimal digits have their value and one', () => {
    for (const [byte, char] of BYTES) {
      assert.equal(HEX[byte], /^[0-9a-fA-F]$/.test(char) ? Number.parseInt(char, 16) + 1 : 0, `byte ${byte}`);
    }
  });
});
