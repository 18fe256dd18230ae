/** Weights documents: applied to their routes, or refused at their own place. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import { generationOf } from '#src/snapshot/overrides.ts';
import { readPart } from '#src/sources/document/part.ts';
import type { Mount, SourceDocument } from '#src/sources/document/pieces.ts';
import { weighTargets } from '#src/sources/document/weights/weights.ts';
import { parseDocuments } from '#src/sources/parse.ts';

const MAIN = `sources: [{directory: {path: a}}]
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:1"]}, v2: {endpoints: ["127.0.0.1:2"]}}}
  solo: {versions: {v1: {endpoints: ["127.0.0.1:3"]}}}
routes:
  - name: shop
    hostnames: [shop.test]
    backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
    slo: {availability: 0.99}
    rollout: {stable: v1, canary: v2}
  - name: both
    hostnames: [both.test]
    backendRefs: [{name: solo}, {name: shop, version: v1}, {name: shop, version: v2}]
`;

type Given = readonly [route: string, text: string, source?: number, name?: string];

function parse(given: readonly Given[], main = MAIN) {
  const pieces = given.map(([route, text, source = 1, name = `s${source} weights/${route}`]) => {
    const mount: Mount = { kind: 'weights', name: route, revision: '7' };
    return { source, name, mount, text, isForeign: source !== 3 };
  });
  const first: SourceDocument = { name: 'main.yaml', text: main, mount: { kind: 'main' }, source: 0, isForeign: false };
  return parseDocuments([first, ...pieces], (document) => readPart(document, {}));
}

function accepted(given: readonly Given[], main = MAIN) {
  const parsed = parse(given, main);
  if (!parsed.ok) assert.fail(parsed.problems.map(formatProblem).join('\n'));
  return parsed;
}

function problemsOf(...given: readonly Given[]): string[] {
  const parsed = parse(given);
  assert.ok(!parsed.ok, 'accepted');
  return parsed.problems.map(formatProblem);
}

describe('a weights document', () => {
  test('gives the operator’s weights; versions that it leaves out keep those of the route', () => {
    const { config } = accepted([['both', 'weights: {solo/v1: 5, v2: 7}\nreason: why not']]);
    const [shop, both] = config.routes;
    assert.deepEqual(
      both?.backendRefs.map(({ weight }) => weight),
      [5, 1, 7],
    );
    assert.deepEqual(both?.weights, {
      document: 's1 weights/both',
      revision: '7',
      reason: 'why not',
      ownWeights: [1, 1, 1],
      isSet: [true, false, true],
    });
    assert.ok(shop !== undefined && !('weights' in shop), 'a route without one is what it was');
  });

  test('of a directory is named without the folder, which may differ from machine to machine', () => {
    const { config } = accepted([['shop', 'weights: {v2: 1}', 3, '/etc/one/conf.d/shop.weights.yaml']]);
    assert.equal(config.routes[0]?.weights?.document, 'shop.weights.yaml');
  });

  test('that names nothing changes nothing', () => {
    const { config } = accepted([['shop', 'weights: {}']]);
    assert.deepEqual(
      config.routes[0]?.backendRefs.map(({ weight }) => weight),
      [100, 0],
    );
  });

  test('of a route that redirects can name nothing, and says so', () => {
    const main = `${MAIN}  - name: moved
    hostnames: [moved.test]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: new.test}}]
`;
    const { config, warnings } = accepted([['moved', 'weights: {}']], main);
    assert.deepEqual([config.routes[2]?.backendRefs, config.routes[2]?.weights?.isSet, warnings], [[], [], []]);
    const parsed = parse([['moved', 'weights: {v1: 1}']], main);
    assert.deepEqual(parsed.ok ? [] : parsed.problems.map(({ code }) => code), ['SLU1111']);
  });

  test('is no new rollout, whatever it says; another split of the route itself is', () => {
    const before = accepted([]).config;
    const after = accepted([['shop', 'weights: {v1: 1, v2: 99}']]).config;
    assert.equal(generationOf(after, 'shop'), generationOf(before, 'shop'));
    const other = accepted([['shop', 'weights: {v1: 1, v2: 99}']], MAIN.replace('weight: 100', 'weight: 99')).config;
    assert.notEqual(generationOf(other, 'shop'), generationOf(before, 'shop'));
  });

  test('of an earlier source counts, and a warning says so; two of one source are refused', () => {
    const { config, warnings } = accepted([
      ['shop', 'weights: {v2: 1}'],
      ['shop', 'weights: {v2: 2}', 2],
    ]);
    assert.equal(config.routes[0]?.backendRefs[1]?.weight, 1);
    assert.deepEqual(warnings.map(formatProblem), [
      's2 weights/shop:1:1: SLU1919 expected what no earlier source has, got weights of route "shop", which is in s1 weights/shop already',
    ]);
    assert.deepEqual(problemsOf(['shop', 'weights: {v2: 1}'], ['shop', 'weights: {v2: 2}', 1, 's1 again']), [
      's1 again:1:1: SLU1006 expected everything once in a source, got weights of route "shop", which is in s1 weights/shop already',
    ]);
  });

  const bad: readonly [string, Given, string][] = [
    [
      'of a route that does not exist',
      ['shup', 'weights: {v1: 1}'],
      '1:1: SLU1110 expected a route that is defined, got "shup" (did you mean shop?)',
    ],
    [
      'of nothing like a route',
      ['elsewhere', 'weights: {v1: 1}'],
      '1:1: SLU1110 expected a route that is defined, got "elsewhere" (delete it, or write the route)',
    ],
    [
      'with a version that the route does not have',
      ['shop', 'weights:\n  v1: 1\n  v22: 5\n'],
      '3:3: SLU1111 weights.v22: expected a version of the route: v1, v2, got "v22" (did you mean v2?)',
    ],
    [
      'with a version that nobody has',
      ['shop', 'weights: {other/v1: 1}'],
      '1:11: SLU1111 weights["other/v1"]: expected a version of the route: shop/v1, shop/v2, got "other/v1" (take it out, or add the version to the route)',
    ],
    [
      'with a version that two services have',
      ['both', 'weights: {v1: 1}'],
      '1:11: SLU1111 weights.v1: expected a version of one service, got "v1", which several services have (write solo/v1 or shop/v1)',
    ],
    [
      'with a version twice',
      ['both', 'weights: {v2: 1, shop/v2: 1}'],
      '1:18: SLU1006 weights["shop/v2"]: expected every version once, got "shop/v2" again',
    ],
    [
      'that sends nothing anywhere',
      ['both', 'weights: {solo/v1: 0, shop/v1: 0, v2: 0}'],
      '1:1: SLU1052 weights: expected a weight above 0, got weights that are all 0',
    ],
    [
      'that leaves a rollout without a stable version',
      ['shop', 'weights: {v1: 0, v2: 1}'],
      '1:1: SLU1063 weights: expected a stable version with a weight above 0, got "v1" with weight 0 (give it a weight, or make the canary the stable version of the rollout first)',
    ],
    [
      'that is empty',
      ['shop', ''],
      '0:0: SLU1003 expected a document, got an empty document (delete it where it is kept, if it is to be gone)',
    ],
    ['without weights', ['shop', 'reason: x'], '1:1: SLU1021 weights: expected a mapping, got nothing'],
    [
      'with a field that is not known',
      ['shop', 'weight: {v1: 1}\nweights: {}'],
      '1:1: SLU1020 weight: expected one of weights, reason, got "weight" (did you mean weights?)',
    ],
    [
      'with a share for a weight',
      ['shop', 'weights: {v1: 0.5}'],
      '1:15: SLU1041 weights.v1: expected a weight: an integer from 0 to 1000000, got 0.5 (weights are relative: write 95 and 5 for 0.95 and 0.05)',
    ],
    [
      'with a key that is no version',
      ['shop', 'weights: {a/b/c: 1}'],
      '1:11: SLU1040 weights["a/b/c"]: expected a version, or service/version, got "a/b/c"',
    ],
    [
      'with a reason as long as a log',
      ['shop', `weights: {}\nreason: ${'x'.repeat(501)}`],
      '2:9: SLU1112 reason: expected at most 500 characters, got 501 of them',
    ],
  ];
  for (const [name, given, problem] of bad) {
    test(`${name} is refused at its own place`, () => {
      assert.deepEqual(problemsOf(given), [`s1 weights/${given[0]}:${problem}`]);
    });
  }

  test('of a route that cannot be read is not said to be of none', () => {
    const parsed = parse([['shop', 'weights: {v1: 1}']], `${MAIN}  - {name: [}\n`);
    assert.ok(!parsed.ok);
    assert.ok(!parsed.problems.some(({ code }) => code === 'SLU1110'), parsed.problems.map(formatProblem).join('\n'));
  });

  test('beside a route that is wrong hides nothing of it and adds nothing', () => {
    const parsed = parse(
      [['shop', 'weights: {v9: 1}']],
      MAIN.replace('version: v2, weight: 0', 'version: v2, weight: x'),
    );
    assert.ok(!parsed.ok);
    assert.deepEqual(
      parsed.problems.map(({ code, file }) => `${file} ${code}`),
      ['main.yaml SLU1022'],
    );
  });
});

test('weights of a route that sends nowhere name no version', () => {
  const { faults, weights } = weighTargets([], { v1: 1 }, null);
  assert.deepEqual(weights, []);
  assert.equal(faults[0]?.fault.expected, 'a version of the route: it has none');
});

describe('a weights document of a rollout of several routes', () => {
  const both = 'backendRefs: [{name: solo}, {name: shop, version: v1}, {name: shop, version: v2, weight: 0}]';
  const led = MAIN.replace('canary: v2}', 'canary: v2, routes: [both]}').replace(
    '{v1: {endpoints: ["127.0.0.1:3"]',
    '{v9: {endpoints: ["127.0.0.1:3"]',
  );
  const several = led.replace(/backendRefs: \[\{name: solo.*/, both);

  test('changes what the two versions have together, and other versions', () => {
    const given: Given[] = [
      ['both', 'weights: {v9: 9, v1: 40}'],
      ['shop', 'weights: {v1: 7}'],
    ];
    const { config } = accepted(given, several);
    assert.deepEqual(
      config.routes.map(({ backendRefs, led }) => [led?.by, ...backendRefs.map(({ weight }) => weight)]),
      [
        [undefined, 7, 0],
        ['shop', 9, 40, 0],
      ],
    );
  });

  test('leaves the canary its share, on the leading route and on the others', () => {
    for (const route of ['shop', 'both']) {
      const parsed = parse([[route, 'weights: {v1: 95, v2: 5}']], several);
      assert.ok(!parsed.ok);
      assert.deepEqual(
        parsed.problems.map(({ code, file }) => [code, file]),
        [['SLU1236', `s1 weights/${route}`]],
      );
    }
    assert.equal(parse([['both', 'weights: {v1: 0}']], several).ok, false, 'stable keeps some');
    assert.equal(parse([['shop', 'weights: {v1: 95, v2: 5}']]).ok, true, 'one route may have any');
  });
});
