/** The endpoint that is to blame, derived a second time: as the gateway finds it, whatever comes and goes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoints, namesOf } from '#src/cli/log/verify/endpoints.ts';
import { Random } from '#src/lib/random.ts';
import { followedOf, SickEndpoint } from '#src/slo/verdict/endpoints/sick-endpoint.ts';

test('is the one that has nearly all of the failures, while the others answer', () => {
  const endpoints = new Endpoints(['a', 'b', 'c'], 0);
  endpoints.attempt(
    [
      [5, 0],
      [5, 5],
      [5, 0],
    ],
    100,
  );
  assert.deepEqual(endpoints.culprit(0.001), { name: 'b', canGo: true });
  endpoints.list(['a', 'c'], 200);
  assert.deepEqual(endpoints.culprit(0.001), { name: 'b', canGo: false });
  endpoints.meet(['b'], 300);
  assert.deepEqual(endpoints.culprit(0.001), { name: 'b', canGo: true });
  endpoints.attempt(
    [
      [0, 0],
      [9, 9],
      [9, 0],
    ],
    400,
  );
  assert.equal(endpoints.culprit(0.001), null);
});

/** Both, told the same. */
class Twins {
  readonly random: Random;
  readonly theirs: SickEndpoint;
  readonly own: Endpoints;
  #sick = 'a';
  /** Chance of an endpoint that is not sick to be attempted. */
  #traffic = 1;

  constructor(seed: number) {
    this.random = new Random(seed);
    const names = this.#some();
    this.theirs = new SickEndpoint(followedOf({ endpoints: names.map((_, n) => n), addresses: names }), 0);
    this.own = new Endpoints(names, 0);
  }

  /** Now and then other endpoints, or another one is sick; then some attempts. */
  turn(nowMs: number): void {
    const { random, theirs, own } = this;
    const happening = random.nextUint32() % 60;
    const names = happening === 0 || random.nextFloat() < 0.5 ? this.#some() : [];
    if (happening === 0) {
      theirs.follow(followedOf({ endpoints: names.map((_, n) => n), addresses: names }), nowMs);
      own.list(names, nowMs);
    } else if (happening === 1) {
      theirs.meet(names, nowMs);
      own.meet(names, nowMs);
    } else if (happening === 2) this.#sick = ['a', 'b', 'g', 'h', 'x'][random.nextUint32() % 5] as string;
    else if (happening === 3) this.#traffic = random.nextFloat() < 0.5 ? 1 : 0.05;
    const attempts = theirs.followed.map(({ name }) => {
      const isSick = name === this.#sick;
      const finished = isSick || random.nextFloat() < this.#traffic ? random.nextUint32() % 4 : 0;
      return { finished, bad: isSick ? finished : 0 };
    });
    theirs.take(attempts, nowMs);
    own.attempt(
      attempts.map(({ finished, bad }) => [finished, bad] as const),
      nowMs,
    );
  }

  /** Of one build or the other. */
  #some(): string[] {
    const build = this.random.nextFloat() < 0.5 ? 'abcdef' : 'ghijkl';
    return [...build].filter(() => this.random.nextFloat() < 0.6);
  }
}

test('is the same as the gateway’s own, in histories in which endpoints come and go', (t) => {
  let [found, gone] = [0, 0];
  for (let seed = 1; seed <= 40; seed++) {
    const twins = new Twins(seed);
    for (let nowMs = 100; nowMs < 200_000; nowMs += 500) {
      twins.turn(nowMs);
      const suspect = twins.theirs.find(0.01);
      const derived = suspect === null ? null : { name: suspect.name, canGo: suspect.isEjectable };
      assert.deepEqual(twins.own.culprit(0.01), derived, `seed ${seed} at ${nowMs} ms`);
      if (suspect !== null) found += 1;
      if (suspect?.isEjectable === false) gone += 1;
    }
  }
  t.diagnostic(`${found} found, ${gone} of them not ejectable`);
  assert.ok(found > 1000 && gone > 100, `${found} found, ${gone} gone`);
});

test('had no chance to fail as one that came when they had gone already', () => {
  const endpoints = new Endpoints(['x', 'y', 'z'], 0);
  endpoints.attempt(
    Array.from({ length: 3 }, () => [300, 0] as const),
    100,
  );
  endpoints.list(['a', 'b', 'c'], 1000);
  const failing = (others: number) =>
    [
      [100, 100],
      [others, 0],
      [1, 0],
    ] as const;
  endpoints.attempt(failing(1), 1100);
  assert.equal(endpoints.culprit(0.001), null);
  endpoints.attempt(failing(197), 1200);
  assert.deepEqual(endpoints.culprit(0.001), { name: 'a', canGo: true });
});

test('are forgotten two whole windows after they have gone, whatever is attempted there', () => {
  const endpoints = new Endpoints(['a', 'b', 'c', 'd'], 0);
  endpoints.list(['a', 'b', 'c'], 10_000);
  const failing = [
    [0, 0],
    [0, 0],
    [9, 0],
    [9, 9],
  ] as const;
  for (const nowMs of [30_000, 60_000]) endpoints.attempt(failing, nowMs);
  assert.deepEqual(endpoints.culprit(0), { name: 'd', canGo: false });
  endpoints.attempt(failing, 90_000);
  assert.equal(endpoints.culprit(0), null);
});

test('are called by their addresses, or as earlier formats called them', () => {
  assert.deepEqual(namesOf({ canary: { version: 'v2', weight: 5, endpoints: [1], addresses: ['a:80'] } }), ['a:80']);
  assert.deepEqual(namesOf({ canary: { version: 'v2', weight: 5, endpoints: [1] } }), [1]);
});
