/** The loop's stages: their order, and what becomes of the others when one of them throws. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loop, type LoopParts } from '#src/compose/loop.ts';
import { Defects } from '#src/compose/watches/defects.ts';
import { nowMs } from '#src/lib/clock.ts';
import { startResting, WORK_MS } from '#src/lib/threads/rest.ts';
import type { DefectPart } from '#src/model/threads/load/defects.ts';

const STAGES = [
  'totals.follow',
  'endpointTotals.follow',
  'rollouts.turn',
  'revisions.turn',
  'objectives.look',
  'drifts.turn',
  'objectives.turn',
  'health.turn',
  'totals.readSome',
] as const;

/** Which part answers for a stage. */
const PARTS: Readonly<Record<(typeof STAGES)[number], DefectPart>> = {
  'totals.follow': 'counts',
  'endpointTotals.follow': 'counts',
  'rollouts.turn': 'rollouts',
  'revisions.turn': 'revisions',
  'objectives.look': 'objectives',
  'drifts.turn': 'drifts',
  'objectives.turn': 'objectives',
  'health.turn': 'endpoints',
  'totals.readSome': 'counts',
};

/** A loop whose stages write down that they ran. @param broken the one that throws. @param work what each does */
function rig(broken: string | null, work: () => void = () => undefined) {
  const ran: string[] = [];
  const lines: string[] = [];
  const taken: number[] = [];
  const stage = (name: (typeof STAGES)[number]): void => {
    ran.push(name);
    work();
    if (name === broken) throw new Error(`${name} is broken`);
  };
  const readSome = (_routes: unknown, count: number): void => {
    taken.push(count);
    stage('totals.readSome');
  };
  const say = (event: string): void => void lines.push(event);
  const defects = new Defects({ log: { error: say } });
  defects.begin();
  const change = { endpoint: 'a', before: 'up', after: 'ejected' };
  const parts = {
    watches: { defects },
    log: { info: say, warn: say },
    store: { current: null, setDown: () => [{ route: 'shop' }] },
    totals: { follow: () => stage('totals.follow'), readSome: readSome as LoopParts['totals']['readSome'] },
    endpointTotals: { follow: () => stage('endpointTotals.follow') },
    rollouts: { turn: () => stage('rollouts.turn') },
    revisions: { watch: { turn: () => stage('revisions.turn') } },
    objectives: { look: () => stage('objectives.look'), turn: () => stage('objectives.turn') },
    drifts: { turn: () => stage('drifts.turn') },
    health: {
      turn: () => {
        stage('health.turn');
        return { endpoints: [change], versions: [change], down: new Set() };
      },
    },
  } as unknown as LoopParts;
  return { loop: new Loop(parts), ran, lines, taken, defects };
}

test('every stage has its turn, in this order, and changes of endpoints are told', () => {
  const { loop, ran, lines, taken, defects } = rig(null);
  loop.turn([], 100, false);
  assert.deepEqual(ran, STAGES);
  assert.deepEqual(taken, [1]);
  assert.deepEqual(lines, ['endpoint', 'version_endpoints', 'version_weight']);
  assert.deepEqual(defects.status.kinds, []);
});

for (const broken of STAGES) {
  test(`${broken} that throws costs no other stage its turn`, () => {
    const { loop, ran, defects } = rig(broken);
    loop.turn([], 100, false);
    loop.turn([], 200, false);
    assert.deepEqual(ran, [...STAGES, ...STAGES]);
    const [kind, ...others] = defects.status.kinds;
    assert.deepEqual([kind?.part, kind?.count, others], [PARTS[broken], 2, []]);
  });
}

test('the loop rests between stages that take long', (t) => {
  const works = (): void => {
    for (const untilMs = nowMs() + WORK_MS; nowMs() < untilMs; );
  };
  // All that shares this process would rest as well.
  t.after(startResting());
  const spied = t.mock.method(Atomics, 'wait');
  rig(null, works).loop.turn([], 0, false);
  assert.ok(spied.mock.callCount() >= STAGES.length - 1, String(spied.mock.callCount()));
});
