import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const FROM = 'from: "2026-11-21T10:00:00Z"';
const faults = (text: string): string => `${SOUND}    faults: [${text}]\n`;
const fault = (text: string): string => faults(`{name: f, abort: {status: 503}, ${FROM}, ${text}}`);

test('a fault has one end, within a day', () => {
  for (const end of ['for: 1s', 'for: 24h', 'until: "2026-11-22T10:00:00Z"']) configOf(fault(end));
  assertProblem(faults(`«{name: f, abort: {status: 503}, ${FROM}}`), 'SLU1151', /ends by itself/);
  assertProblem(fault('until: "2026-11-21T11:00:00Z", for: «1h'), 'SLU1151', '');
  assertProblem(fault('until: «"2026-11-22T10:00:01Z"'), 'SLU1151', '');
  assertProblem(fault('until: «"2026-11-21T10:00:00Z"'), 'SLU1151', '');
  assertProblem(fault('for: «25h'), 'SLU1030', '');
  assertProblem(faults('«{name: f, abort: {status: 503}, for: 1h}'), 'SLU1021', /./);
  assertProblem(fault('until: «tomorrow'), 'SLU1150', '');
});

test('a fault does something to somebody', () => {
  assertProblem(faults(`«{name: f, ${FROM}, for: 1h}`), 'SLU1152', '');
  assertProblem(fault('for: 1h, percent: «0'), 'SLU1152', '');
  assertProblem(fault('for: 1h, percent: «101'), 'SLU1024', '');
  assertProblem(fault('for: 1h, match: {version: «v3}'), 'SLU1152', '');
  assertProblem(faults(`{name: f, bandwidth: «{}, ${FROM}, for: 1h}`), 'SLU1152', '');
  assertProblem(fault('bandwidth: «{response: 1KiB}, for: 1h'), 'SLU1152', /two faults/);
  assertProblem(faults(`{name: f, bandwidth: {response: «0}, ${FROM}, for: 1h}`), 'SLU1031', '');
  configOf(fault('for: 1h, match: {version: v1}'));
  assertProblem(faults(`{name: f, abort: {status: «404}, ${FROM}, for: 1h}`), 'SLU1024', '');
  assertProblem(faults(`{name: f, delay: {time: «2m}, ${FROM}, for: 1h}`), 'SLU1030', '');
});

test('names are unique in a route, and there are few', () => {
  const one = (name: string): string => `{name: ${name}, abort: {status: 500}, ${FROM}, for: 1h}`;
  assertProblem(faults(`${one('a')}, «${one('a')}`), 'SLU1072', '');
  const many = Array.from({ length: 9 }, (_, n) => one(`f${n}`)).join(', ');
  assertProblem(`${SOUND}    faults: «[${many}]\n`, 'SLU1096', '');
  assert.equal(configOf(faults(`${one('a')}, ${one('b')}`)).routes[0]?.filters.faults?.length, 2);
});
