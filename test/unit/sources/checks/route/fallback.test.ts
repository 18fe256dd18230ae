/** Chains that lead back, steps that could never act, answers that cannot be sent. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATIC_BYTES_MAX } from '#src/model/threads/answers/fallback.ts';
import { assertProblem, configOf, problemsOf, SOUND, warningsOf } from '../../../../support/config.ts';

const SPARE = SOUND.replace(
  'services:\n',
  'services:\n  spare: {versions: {v1: {endpoints: ["127.0.0.1:7003"]}, v2: {endpoints: []}}}\n',
);

function chain(...steps: readonly string[]): string {
  return `${SPARE}    fallback: [${steps.join(', ')}]\n`;
}

test('a version that the route sends to, or that was asked already, is a loop', () => {
  const hint = 'it has failed when it would be asked';
  assertProblem(chain('{type: Service, service: {name: «shop, version: v2}}'), 'SLU1171', hint);
  const first = '{type: Service, service: {name: spare, version: v1}}';
  assertProblem(chain(first, '{type: Service, service: {name: «spare, version: v1}}'), 'SLU1171', hint);
  configOf(chain(first, '{type: Service, service: {name: spare, version: v2}}'));
});

test('a reference is to be found, as any', () => {
  assertProblem(chain('{type: Service, service: {name: «sparre, version: v1}}'), 'SLU1053', 'did you mean spare?');
  assertProblem(chain('{type: Service, service: {name: spare, version: «v3}}'), 'SLU1054', /v/);
  assert.deepEqual(
    problemsOf(chain('{type: Service, service: {name: spare}}')).map(({ code }) => code),
    ['SLU1055'],
  );
});

test('what is behind a Static that answers for the same failures never acts, nor does a second Stale', () => {
  assertProblem(chain('{type: Static, static: {}}', '{type: «Stale, stale: {}}'), 'SLU1172', '');
  const two = ['{type: Static, on: [shed], static: {}}', '{type: Static, on: [no_endpoint], static: {}}'];
  assertProblem(chain(...two, '{type: «Stale, on: [no_endpoint, shed], stale: {}}'), 'SLU1172', '');
  assertProblem(chain('{type: Stale, stale: {}}', '{type: «Stale, on: [shed], stale: {}}'), 'SLU1172', '');
  configOf(chain(...two, '{type: Stale, on: [no_endpoint, shed, circuit_open], stale: {}}'));
});

test('a body has a length that fits, and a status that has one', () => {
  const bodyOf = (bytes: number): string => `{type: Static, static: {body: «"${'ü'.repeat(bytes / 2)}"}}`;
  configOf(chain(bodyOf(STATIC_BYTES_MAX).replace('«', '')));
  assertProblem(chain(bodyOf(STATIC_BYTES_MAX + 2)), 'SLU1173', '');
  assertProblem(chain('{type: Static, static: {status: 204, body: «x}}'), 'SLU1173', '');
  configOf(chain('{type: Static, static: {status: 204}}'));
});

test('nothing is named twice', () => {
  assertProblem(chain('{type: Stale, stale: {}, on: [shed, «shed]}'), 'SLU1072', '');
  const headers = '[{name: X-A, value: b}, «{name: x-a, value: c}]';
  assertProblem(chain(`{type: Static, static: {headers: ${headers}}}`), 'SLU1072', '');
});

test('a service that is only fallen back to is used', () => {
  const codes = (text: string): string[] => warningsOf(text).map(({ code }) => code);
  assert.ok(codes(SPARE).includes('SLU1902'));
  assert.ok(!codes(chain('{type: Service, service: {name: spare, version: v1}}')).includes('SLU1902'));
});

test('beside a redirect it is warned of', () => {
  const text = SOUND.replace(
    / {4}backendRefs:[^]*/,
    '    filters: [{type: RequestRedirect, requestRedirect: {hostname: b}}]\n',
  );
  const codes = warningsOf(`${text}    fallback: [{type: Static, static: {}}]\n`).map(({ code }) => code);
  assert.ok(codes.includes('SLU1914'));
});
