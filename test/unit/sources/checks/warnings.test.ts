import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import { warn } from '#src/sources/checks/warnings.ts';
import { marked, SOUND, warningsOf } from '../../../support/config.ts';

/** Asserts that a marked document is accepted with exactly one warning at the mark. */
function assertWarning(document: string, code: string): void {
  const { text, line, column } = marked(document);
  const warnings = warningsOf(text);
  const found = warnings.map((warning) => [warning.code, warning.line, warning.column]);
  assert.deepEqual(found, [[code, line, column]], warnings.map(formatProblem).join('\n'));
}

test('warnings are looked for in a sound document', () => {
  assert.equal(typeof warn, 'function');
  assert.deepEqual(warningsOf(SOUND), []);
});

test('a version without endpoints', () => {
  assertWarning(SOUND.replace('["127.0.0.1:7002"]', '«[]'), 'SLU1901');
});

test('a service that no route sends to', () => {
  assertWarning(SOUND.replace('routes:', '  «spare: {versions: {v1: {endpoints: ["h:1"]}}}\nroutes:'), 'SLU1902');
});

test('an endpoint that two versions share, in whatever spelling', () => {
  const text = SOUND.replace('"127.0.0.1:7001"', '"Web:80"').replace('"127.0.0.1:7002"', '"a:1", «"web:80"');
  assertWarning(text, 'SLU1903');
});

test('a latency threshold that the request timeout cuts off', () => {
  const slo = 'slo: {availability: 0.9, latency: {threshold: «2s, target: 0.9}}';
  assertWarning(`${SOUND}    timeouts: {request: 2s}\n    ${slo}\n`, 'SLU1904');
  assert.deepEqual(warningsOf(`${SOUND}    timeouts: {request: 2001ms}\n    ${slo.replace('«', '')}\n`), []);
});

test('a mirror whose answers have no room beside each other', () => {
  const documentOf = (limit: string, compare: string): string => {
    const spare = '  spare: {versions: {v1: {endpoints: ["127.0.0.1:7009"]}}}\nroutes:';
    const mirror = `requestMirror: {backendRef: {name: spare}, «compare: {${compare}}}`;
    const filters = `    filters: [{type: RequestMirror, ${mirror}}]\n`;
    return `limits: {compareBytesMax: ${limit}}\n${SOUND.replace('routes:', spare)}${filters}`;
  };
  assertWarning(documentOf('191KiB', ''), 'SLU1927');
  assertWarning(documentOf('3071KiB', 'bodyBytesMax: 1MiB'), 'SLU1927');
  for (const text of [documentOf('192KiB', ''), documentOf('3MiB', 'bodyBytesMax: 1MiB')]) {
    assert.deepEqual(warningsOf(text.replace('«', '')).map(formatProblem), []);
  }
});

test('colors that nobody may choose', () => {
  const text = SOUND.replace('7002"]', '7002"], colors: «[canary]');
  assertWarning(text, 'SLU1905');
  for (const color of [
    '{acceptFrom: anyone}',
    '{signature: {keys: [{variable: K}]}}',
    '{jwt: {claim: c, issuer: i, audience: [a], jwks: {file: f}}}',
  ]) {
    assert.deepEqual(warningsOf(`color: ${color}\n${text.replace('«', '')}`), [], color);
  }
  assert.deepEqual(warningsOf(`trustedProxies: [10.0.0.0/8]\n${text.replace('«', '')}`), []);
});
