/** Other readings of a path: all that upstreams might fold it to, or none when there are too many. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { READINGS_MAX, readingsOf } from '#src/proxy/decide/readings.ts';

describe('the other readings of a path', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['/a/b', []],
    ['//a', ['/a']],
    ['/a///b', ['/a/b']],
    ['/a;x=1/b', ['/a/b']],
    ['/a/;/b', ['/a//b', '/a/b']],
    ['/a%2Fb', ['/a/b']],
    ['/%2Fa', ['//a', '/a']],
    ['/a%5Cb', ['/a/b']],
    ['/a%252Fb', ['/a%2Fb', '/a/b']],
    ['/a%2541', ['/aA']],
    ['/a/%252E%252E/b', ['/b']],
    ['/a;b%2Fc', ['/a', '/a;b/c', '/a/c']],
  ];
  for (const [path, readings] of cases) {
    it(`${path} are ${readings.join(' ') || 'none'}`, () =>
      assert.deepEqual(readingsOf(path)?.toSorted(), readings.toSorted()));
  }

  it('that hide a dot segment behind a second encoding are refused', () => {
    assert.equal(readingsOf('/a/..%3Bx'), null);
    assert.equal(readingsOf('/a/%252E%252E%252Fb'), null);
    assert.equal(readingsOf('/a/..%253Bx'), null);
  });

  it('are few, or refused', () => {
    for (const path of ['/%2Fa;b//c%5Cd%2Fe;f', `/%${'25'.repeat(20)}2F`, `//a;${'%2F;'.repeat(2000)}`]) {
      const readings = readingsOf(path);
      assert.ok(readings === null || readings.length <= READINGS_MAX, path.slice(0, 40));
    }
    assert.equal(readingsOf(`/%${'25'.repeat(20)}2F`), null);
  });
});
