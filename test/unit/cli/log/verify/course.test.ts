/** Moves of a rollout that were allowed, and what is said of those that were not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Course, type Moment } from '#src/cli/log/verify/course.ts';
import { Judge, policyOf, Scene } from '#src/cli/log/verify/judge.ts';
import type { Command, Four, LookRow } from '#src/cli/log/verify/rows.ts';
import type { Decision } from '#src/model/slo.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { sampleDecision } from '../../../../support/readings/status.ts';
import { QUICK } from '../../../../support/simulate/watch/recorded.ts';

const NO_BUDGET = { ratio: null, events: null, alert: null };

function setup() {
  const scene = new Scene([1], 0);
  const judge = new Judge(policyOf(QUICK), 0);
  const course = new Course(IDLE);
  const moment = (nowMs: number, changes: Partial<Moment> = {}): Moment => {
    return { terms: QUICK, judge, scene, budget: NO_BUDGET, command: null, nowMs, ...changes };
  };
  const take = (kind: Decision['kind'], trigger: Decision['trigger'], weightAfter: number, at: Moment): string => {
    return course.take(sampleDecision({ kind, trigger, weightAfter }), at).join('; ');
  };
  const traffic = (requests: Four, nowMs: number): void => {
    const row: LookRow = {
      kind: 'look',
      nowMs,
      requests,
      users: requests,
      isConsistent: true,
      attempts: null,
      trials: null,
      routes: null,
    };
    scene.look(row);
    judge.look(row, scene);
    course.look(requests[0], requests[1], nowMs);
  };
  return { scene, judge, course, moment, take, traffic };
}

function asked(name: string, changes: Partial<Command> = {}): { readonly command: Command } {
  return { command: { name, by: 'api', isFix: false, reason: '', ...changes } };
}

test('a step needs its stay, its proof, its requests, no alert and a budget', () => {
  const idle = setup();
  assert.equal(idle.course.kind, 'idle');
  assert.match(idle.take('step', 'gates', 5, idle.moment(0)), /it was idle/);
  const fresh = setup();
  assert.equal(fresh.take('start', 'configuration', 5, fresh.moment(0, asked('start'))), '');
  assert.equal(fresh.course.kind, 'progressing');
  const copy = (at: number, changes: Partial<Moment> = {}): string => {
    const again = setup();
    again.take('start', 'person', 5, again.moment(0, asked('start')));
    again.traffic([at > 6000 ? 2000 : 50, 0, 2000, 0], 100);
    return again.take('step', 'gates', 25, again.moment(at, changes.budget === undefined ? {} : changes));
  };
  assert.match(copy(4999), /4999 of 5000 ms had passed/);
  assert.match(copy(5000), /it was not proven sound/);
  assert.equal(copy(7000), '');
  assert.match(copy(7000, { budget: { ...NO_BUDGET, alert: 'page' } }), /an alert fired/);
  assert.match(copy(7000, { budget: { ...NO_BUDGET, ratio: -1 } }), /the budget stopped it/);
  assert.match(copy(7000, { budget: { ...NO_BUDGET, ratio: 0.1 } }), /7000 of 10000 ms/);
});

test('a command must have been given, and another weight must follow', () => {
  const { take, moment } = setup();
  assert.match(take('start', 'person', 5, moment(0)), /nobody asked for it/);
  assert.match(take('pause', 'person', 5, moment(10, asked('abort'))), /somebody asked for abort/);
  assert.equal(take('resume', 'person', 5, moment(20, asked('resume'))), '');
  assert.match(take('promote', 'person', 26, moment(30, asked('promote'))), /weightAfter is 26, its step gives 25/);
  assert.equal(take('undo', 'person', 5, moment(40, asked('undo'))), '');
  assert.match(take('undo', 'person', 5, moment(50, asked('undo'))), /there was nothing to undo/);
  assert.match(take('step', 'gates', 25, moment(60, asked('promote'))), /a command came first/);
  assert.match(take('rollback', 'gates', 0, moment(70)), /there is no such move/);
});

test('waits, pauses by the budget and rollbacks by burn have their limits', () => {
  const { take, moment, traffic, course } = setup();
  take('start', 'person', 5, moment(0, asked('start')));
  assert.match(take('pause', 'policy', 5, moment(59_999)), /it had waited 59999 of 60000 ms/);
  assert.match(take('resume', 'budget', 5, moment(60_000)), /it had just been paused/);
  assert.match(take('pause', 'budget', 5, moment(60_100)), /the budget did not stop it/);
  assert.match(
    take('resume', 'budget', 5, moment(200_000, { budget: { ...NO_BUDGET, ratio: 0 } })),
    /still stopped it/,
  );
  assert.match(take('rollback', 'burn', 0, moment(200_001)), /it did not burn that fast/);
  const last = setup();
  last.take('start', 'person', 5, last.moment(0, asked('start')));
  for (const percent of [25, 50, 100]) last.take('promote', 'person', percent, last.moment(1, asked('promote')));
  for (let n = 0; n < 100; n++) last.traffic([100, 5, 0, 0], 100 * n);
  last.course.passOver(10);
  assert.equal(last.take('rollback', 'burn', 0, last.moment(10_000)), '');
  assert.equal(last.course.kind, 'rolled-back');
  traffic([1, 0, 1, 0], 300_000);
  course.rebase(new Scene([1], 0));
});
