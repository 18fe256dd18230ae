/** What a judge takes in of other gateways' evidence, and what it lets pass. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector } from '#src/fleet/evidence/collect.ts';
import { GAP_MS, Others, SENDERS_MAX } from '#src/fleet/evidence/merge.ts';
import type { EndpointSums, EvidenceMessage } from '#src/fleet/evidence/words.ts';
import { ENDPOINTS_TOLD_APART_MAX } from '#src/model/rollout.ts';
import type { ArmCounts } from '#src/model/slo.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { UserWindow } from '#src/slo/users.ts';
import { CellWindow } from '#src/slo/window.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { FakeWorker, smallTallies } from '../../../support/simulate/worker.ts';

const TERMS = { share: 0.05, limits: 'f1' };

/** A gateway that measures, and one that takes it in. */
class Pair {
  readonly worker = new FakeWorker(1);
  readonly others = new Others(smallTallies());
  readonly #collector = new Collector(SPEC);
  readonly #cells: CellWindow;
  readonly #users: UserWindow;
  #user = 0;
  nowMs = 100_000;

  constructor() {
    this.others.follow([SPEC]);
    this.#cells = new CellWindow(SPEC.canary.cell, [this.others.region]);
    this.#users = new UserWindow([SPEC.canary], [this.others.region]);
  }

  finish(count: number, bad: number): void {
    for (let n = 0; n < count; n++) {
      this.#user += 1;
      const { cell, unit } = SPEC.canary;
      this.worker.finish({ cell, unit, user: this.#user, isBad: n < bad, nowMs: this.nowMs });
    }
  }

  message(changes: Partial<EvidenceMessage> = {}): EvidenceMessage {
    const sender = { id: 'b', member: 'b', adminUrl: '', ...TERMS };
    return { ...this.#collector.message([this.worker.region], sender), ...changes };
  }

  send(changes: Partial<EvidenceMessage> = {}, stepMs = 200): boolean {
    this.nowMs += stepMs;
    return this.others.take(this.message(changes), TERMS, this.nowMs);
  }

  /** New at the judge, in requests and in users. */
  read(): readonly [ArmCounts, ArmCounts] {
    const [requests, users] = [
      { finished: 0, bad: 0 },
      { finished: 0, bad: 0 },
    ];
    this.#cells.read([this.others.region], requests);
    this.#users.read([this.others.region], users);
    return [requests, users];
  }
}

const counts = (finished: number, bad: number): readonly [ArmCounts, ArmCounts] => [
  { finished, bad },
  { finished, bad },
];

test('the first message is where counting begins, the next ones add to it', () => {
  const pair = new Pair();
  pair.finish(10, 5);
  pair.send();
  assert.deepEqual(pair.read(), counts(0, 0));
  pair.finish(7, 2);
  pair.send();
  assert.deepEqual(pair.read(), counts(7, 2));
  pair.send();
  assert.deepEqual(pair.read(), counts(0, 0));
});

test('a message that is lost costs its users, and no count', () => {
  const pair = new Pair();
  pair.send();
  pair.finish(4, 1);
  pair.message();
  pair.finish(6, 2);
  pair.send();
  assert.deepEqual(pair.read(), [
    { finished: 10, bad: 3 },
    { finished: 6, bad: 2 },
  ]);
});

test('what cannot be compared passes, and is not made up for', () => {
  const pair = new Pair();
  const passes = (what: string, changes: Partial<EvidenceMessage>, stepMs?: number): void => {
    pair.finish(5, 5);
    pair.send(changes, stepMs);
    assert.deepEqual(pair.read(), counts(0, 0), what);
  };
  pair.send();
  passes('a silence', {}, GAP_MS + 1);
  passes('another share', { share: 0.06 });
  passes('back from another share', {});
  passes('another generation', { generation: 'b' });
  passes('another route', { route: 'other' });
  pair.finish(1, 0);
  pair.send();
  assert.deepEqual(pair.read()[0], { finished: 11, bad: 10 }, 'what was not for us was not lost');
});

test('slow requests count at the same thresholds only', () => {
  const pair = new Pair();
  const { cells } = pair.others.region.tallies;
  const slow = (): number => cells[SPEC.canary.cell * CELL_WORDS + CELL.thresholds] as number;
  pair.send();
  for (const [limits, expected] of [
    ['f1', 1],
    ['f2', 1],
    ['f1', 1],
    ['f1', 2],
  ] as const) {
    pair.worker.add(SPEC.canary.cell, CELL.thresholds, 1);
    pair.send({ limits });
    assert.equal(slow(), expected, limits);
  }
});

test('has room for so many gateways, and for new ones when others have gone', () => {
  const pair = new Pair();
  for (let n = 0; n < SENDERS_MAX; n++) assert.equal(pair.send({ id: `g${n}` }, 0), true);
  assert.equal(pair.send({ id: 'one more' }, 0), false);
  assert.equal(pair.send({ id: 'one more' }, GAP_MS + 1), true);
});

test('attempts add up by address, whoever knows the endpoint and since when', () => {
  const pair = new Pair();
  const sums = () =>
    [...pair.others.attemptsOf(SPEC.route, pair.nowMs)].map(([name, { finished, bad }]) => [name, finished, bad]);
  pair.send({ attempts: [['a:80', 90, 9]] });
  pair.send({ id: 'c', attempts: [['a:80', 50, 5]] });
  assert.deepEqual(sums(), [['a:80', 0, 0]], 'the first message is where counting begins');
  pair.send({
    attempts: [
      ['a:80', 97, 11],
      ['b:80', 4, 4],
    ],
  });
  pair.send({ id: 'c', attempts: [['a:80', 52, 6]] });
  assert.deepEqual(
    sums(),
    [
      ['a:80', 9, 3],
      ['b:80', 4, 4],
    ],
    'an endpoint that is new there began with nothing',
  );
  pair.send({ share: 0.5, attempts: [['b:80', 8, 8]] });
  assert.deepEqual(
    sums(),
    [
      ['a:80', 9, 3],
      ['b:80', 4, 4],
    ],
    'at another share nothing counts',
  );
  for (let n = 0; n < 11; n++) pair.send({ attempts: [['b:80', 8, 8]] });
  assert.deepEqual(sums(), [['b:80', 4, 4]], 'of an endpoint that nobody told of for long nothing is known');
  assert.equal(pair.others.attemptsOf('other', pair.nowMs).size, 0);
});

test('endpoints that come and go here begin nothing anew', () => {
  const pair = new Pair();
  pair.send({ attempts: [['a:80', 1, 0]] });
  pair.others.follow([{ ...SPEC, canary: { ...SPEC.canary, endpoints: [7], addresses: ['x:80'] } }]);
  pair.finish(7, 2);
  pair.send({ attempts: [['a:80', 3, 1]] });
  assert.deepEqual(pair.read(), counts(7, 2));
  assert.deepEqual(pair.others.attemptsOf(SPEC.route, pair.nowMs).get('a:80'), {
    finished: 2,
    bad: 1,
    heardAtMs: pair.nowMs,
  });
  pair.others.follow([{ ...SPEC, generation: 'another' }]);
  assert.equal(pair.others.attemptsOf(SPEC.route, pair.nowMs).size, 0);
});

test('has room for so many endpoints', () => {
  const pair = new Pair();
  const many = (from: number): readonly EndpointSums[] =>
    Array.from({ length: 200 }, (_, n) => [`10.0.0.1:${from + n}`, 1, 0] as const);
  pair.send({ attempts: many(0) });
  pair.send({ id: 'c', attempts: many(200) });
  assert.equal(pair.others.attemptsOf(SPEC.route, pair.nowMs).size, ENDPOINTS_TOLD_APART_MAX);
});
