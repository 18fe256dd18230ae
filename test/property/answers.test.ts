/** What a version does not agree with itself about is never told of a candidate that does the same; what changes is. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { DifferenceStatus } from '#src/model/threads/requests/compared.ts';
import { readAnswer } from '#src/proxy/forward/mirror/differences/answer.ts';
import { differencesOf } from '#src/proxy/forward/mirror/differences/compare.ts';
import { ALPHA, DifferenceEvidence } from '#src/proxy/forward/mirror/differences/evidence.ts';
import { jsonAnswer } from '../support/clients/answers.ts';
import { samples } from '../support/runner/depth.ts';

const REQUESTS = 60;

/** A service: fields of fixed answers, and of fields that vary how often they do. */
interface Service {
  readonly fixed: readonly string[];
  readonly varying: readonly (readonly [name: string, ratio: number])[];
}

/** Answers of random sizes: fields that vary always, often or seldom, in values, types, lists, headers. */
function serviceOf(random: Random, always: boolean): Service {
  const count = 1 + (random.nextUint32() % 8);
  const ratioOf = (): number => (always ? 1 : [0.02, 0.2, 0.5, 0.9][random.nextUint32() % 4]!);
  return {
    fixed: Array.from({ length: count }, (_, n) => `fixed${n}`),
    varying: Array.from({ length: count }, (_, n) => [`noise${n}`, ratioOf()] as const),
  };
}

let nextId = 0;

/** A value that is never the same again, of the field's own type or, where it may, of any. */
function noise(kind: number): unknown {
  const id = nextId++;
  return [id, `id ${id}`, [id, 'x'], { inner: id }, [{ at: `at ${id}` }, { at: null }]][kind % 5];
}

type Body = Record<string, unknown>;

function answerOf({ fixed, varying }: Service, request: number, random: Random, change: (body: Body) => void) {
  const body: Body = {};
  const headers: Record<string, string> = {};
  for (const name of fixed) body[name] = { of: request, list: [1, 'two', null] };
  for (const [n, [name, ratio]] of varying.entries()) {
    const varies = random.nextFloat() < ratio;
    body[name] = varies ? noise(ratio === 1 ? n : random.nextUint32()) : 'usual';
    headers[`x-${name}`] = varies ? `a ${nextId++}` : 'usual';
  }
  change(body);
  return readAnswer(jsonAnswer(body, headers), new Set());
}

/** What is told of a candidate that answers as its version does, but for a change. */
function toldOf(seed: number, always: boolean, change: (body: Body) => void = () => undefined): DifferenceStatus[] {
  const random = new Random(seed);
  const service = serviceOf(random, always);
  const evidence = new DifferenceEvidence();
  const same = (): void => undefined;
  for (let n = 0; n < REQUESTS; n++) {
    const [primary, second] = [answerOf(service, n, random, same), answerOf(service, n, random, same)];
    const candidate = answerOf(service, n, random, change);
    evidence.add(differencesOf(primary, second), differencesOf(primary, candidate));
  }
  return evidence.places().filter(({ isReal }) => isReal);
}

describe('over random services', () => {
  test('fields that differ between any two answers of the version are never told', () => {
    for (let seed = 1; seed <= samples(100, 8); seed++) assert.deepEqual(toldOf(seed, true), [], `seed ${seed}`);
  });

  test('fields that differ between some are told of the same behavior in fewer histories than alpha', () => {
    const seeds = Array.from({ length: samples(300, 20) }, (_, n) => 1000 + n);
    const wrong = seeds.filter((seed) => toldOf(seed, false).length > 0);
    assert.ok(wrong.length <= ALPHA * seeds.length, `seeds ${wrong.join()}`);
  });

  test('a change is told, and nothing but it', () => {
    for (let seed = 1; seed <= samples(50, 4); seed++) {
      const told = toldOf(seed, true, (body) => {
        body['fixed0'] = { ...(body['fixed0'] as Body), list: 'none' };
        body['added'] = true;
      });
      assert.deepEqual(
        told.map(({ kind, path, from, to }) => `${kind} ${path} ${from} ${to}`).toSorted(),
        ['type $.added absent boolean', 'type $.fixed0.list array string'],
        `seed ${seed}`,
      );
    }
  });

  test('a change is told among keys that are never the same again', () => {
    const random = new Random(1);
    const word = (): string =>
      Array.from({ length: 8 }, () => String.fromCharCode(97 + (random.nextUint32() % 26))).join('');
    const answer = (price: unknown) => readAnswer(jsonAnswer({ price, online: { [word()]: true } }), new Set());
    const evidence = new DifferenceEvidence();
    const told: string[] = [];
    for (let n = 0; n < 500; n++) {
      const primary = answer(12.5);
      const candidate = answer(n < 400 ? 12.5 : '12.5');
      const found = evidence.add(differencesOf(primary, answer(12.5)), differencesOf(primary, candidate));
      told.push(...found.map(({ kind, path }) => `${kind} ${path}`));
    }
    assert.deepEqual(told, ['type $.price']);
  });

  test('a field in which the version differs from itself is not told where the candidate differs otherwise often', () => {
    // Replicas of the version, and of the candidate: each answer names the one that it is of.
    for (const [ofVersion, ofCandidate] of [
      [3, 1],
      [5, 5],
      [2, 1],
    ] as const) {
      for (let seed = 1; seed <= samples(40, 3); seed++) {
        const random = new Random(seed);
        const answer = (name: string, count: number) =>
          readAnswer(jsonAnswer({ by: `${name}${random.nextUint32() % count}` }), new Set());
        const evidence = new DifferenceEvidence();
        for (let n = 0; n < 400; n++) {
          const primary = answer('v1-', ofVersion);
          const second = differencesOf(primary, answer('v1-', ofVersion));
          evidence.add(second, differencesOf(primary, answer('v2-', ofCandidate)));
        }
        assert.deepEqual(
          evidence.places().filter(({ isReal }) => isReal),
          [],
          `${ofVersion} and ${ofCandidate} replicas, seed ${seed}`,
        );
      }
    }
  });
});
