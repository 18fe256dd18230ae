/** Loops are recognized by our own name in Via, however it is written, and only when it stands there too often. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLooping, PASSES_MAX, passesOf } from '#src/proxy/header/via.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, get, readHead } from '../../../support/proxy/parts.ts';

function loops(lines: string): boolean {
  return isLooping(readHead(bench().table, get('/', lines)).fields);
}

describe('Via', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['1.1 sluice', 1],
    ['1.1 sluice, 1.0 sluice', 2],
    ['1.1 a, HTTP/1.1 Sluice (x) ,1.1  sluice', 2],
    ['1.1 sluice:80, 1.1 sluices, sluice, 1.1 x sluice', 0],
    ['', 0],
    [',,,', 0],
  ];
  for (const [value, passes] of cases)
    it(`${value || 'that is empty'} tells of ${passes}`, () => assert.equal(passesOf([value]), passes));

  it('counts over all lines', () => assert.equal(passesOf(['1.1 sluice', '1.1 a', '1.1 sluice']), 2));

  it('takes linear time', () => assert.equal(passesOf(['1.1 \t sluice,'.repeat(2000)]), 2000));
});

describe('a request', () => {
  it('may pass a stack of gateways, and not go round for ever', () => {
    const times = (count: number): string => `Via: ${Array.from({ length: count }, () => '1.1 sluice').join(', ')}\r\n`;
    assert.equal(loops(''), false);
    assert.equal(loops('Via: 1.1 other\r\n'.repeat(20)), false);
    assert.equal(loops(times(PASSES_MAX - 1)), false);
    assert.equal(loops(times(PASSES_MAX)), true);
    assert.equal(loops('Via: 1.1 sluice\r\n'.repeat(PASSES_MAX)), true);
  });

  it('without Via pays nothing', COUNTED, () => {
    const { fields } = readHead(bench().table, get('/'));
    assert.equal(
      bytesPerCall(() => void isLooping(fields), 5000, 0),
      0,
    );
  });
});
