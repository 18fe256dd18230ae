/** The shape of fallbacks: a type, and the field of that name. */

import { test } from 'node:test';
import { assertProblem, SOUND } from '../../../../support/config.ts';

const CASES: readonly (readonly [step: string, code: string, hint?: string | RegExp])[] = [
  ['«{}', 'SLU1021'],
  ['{type: «stale}', 'SLU1023', /Stale/],
  ['{type: Stale, service: «{name: shop}, stale: {}}', 'SLU1075', 'service goes with type: Service'],
  ['{type: Stale, stale: {maxAge: «100ms}}', 'SLU1030'],
  ['{type: Stale, stale: {maxAge: «8d}}', 'SLU1030'],
  ['{type: Stale, stale: {entryBytesMax: «17MiB}}', 'SLU1031'],
  ['{type: Stale, stale: {countsAs: «good}}', 'SLU1023'],
  ['{type: Stale, stale: {}, on: «[]}', 'SLU1025'],
  ['{type: Stale, stale: {}, on: [«no_route]}', 'SLU1023'],
  ['{type: Stale, stale: {}, on: [«upstream_truncated]}', 'SLU1023'],
  ['{type: Static, static: {status: «199}}', 'SLU1170'],
  ['{type: Static, static: {status: «304}}', 'SLU1170'],
  ['{type: Static, static: {status: «"200"}}', 'SLU1022', 'did you mean 200, without quotes?'],
  ['{type: Static, static: {body: «5}}', 'SLU1022', 'put it in quotes'],
  ['{type: Static, static: {headers: [{name: «Content-Length, value: "5"}]}}', 'SLU1048', /./],
  ['{type: Static, static: {headers: [{name: X-A, value: «"a\\r\\nb: c"}]}}', 'SLU1037'],
];

for (const [step, code, hint = /^/] of CASES) {
  test(`${step} is ${code}`, () => assertProblem(`${SOUND}    fallback: [${step}]\n`, code, hint));
}

test('a chain has eight steps at most', () => {
  const steps = Array.from({ length: 9 }, () => '{type: Static, on: [shed], static: {}}').join(', ');
  assertProblem(`${SOUND}    fallback: «[${steps}]\n`, 'SLU1096', '');
});
