/** Documents that are parsed as they change: what comes out is what would come out of all of them, whatever happens. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { editsOf } from '#src/model/threads/parsing/edits.ts';
import { mainDocument, type SourceDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';
import { Renewal } from '#src/sources/follow/renewal.ts';
import { parseDocuments } from '#src/sources/parse.ts';
import { samples } from '../../../support/runner/depth.ts';
import { Documents, ROUTES, rig, SECTIONS, SERVICES, take } from '../../../support/stores/scenes/documents.ts';

const SEED = 20_261_122;
const STEPS = samples(400, 40);
describe('a configuration of which few routes and services are others', () => {
  it('is what all of its documents are, whatever happens to them', (t) => {
    const random = new Random(SEED);
    const below = (count: number): number => Math.floor(random.nextFloat() * count);
    const documents = new Documents();
    const renewal = new Renewal(createPartReader({}));
    const path = (n: number): string => (below(6) === 0 ? `/r${below(ROUTES)}` : `/r${n}`);
    const deeds: ((n: number) => void)[] = [
      (n) => documents.route(n, path(n), `timeouts: {request: ${1 + below(9)}s}\n`),
      (n) => documents.route(n, path(n), 'slo: {availability: 0.99}\n'),
      (n) => documents.route(n, path(n), '', `{name: s${below(SERVICES)}, version: v${1 + below(2)}}`),
      (n) => documents.route(n, `/r${n}`, '', `{name: s${n % SERVICES}, version: v1, weight: ${1 + below(5)}}`),
      (n) => {
        const refs = `{name: s${n % SERVICES}, version: v1}, {name: s${n % SERVICES}, version: v2, weight: ${below(3)}}`;
        documents.route(
          n,
          `/r${n}`,
          below(2) === 0 ? '' : 'slo: {availability: 0.99}\nrollout: {stable: v1, canary: v2}\n',
          refs,
        );
      },
      (n) => documents.route(n, path(n), 'timeouts: {request: 1s, backendRequest: 9s}\n'),
      (n) => documents.route(n, `/r${n}`, 'nonsense: 1\n'),
      (n) => documents.service(n % SERVICES, 7000 + below(20)),
      (n) => documents.service(n % SERVICES, 7000 + n, below(2) === 0 ? 'breaker: {}\n' : 'slowStart: 5s\n'),
      (n) =>
        documents.service(
          n % SERVICES,
          7000 + n,
          '',
          below(2) === 0 ? `, v3: {endpoints: []}` : `, v3: {endpoints: ["127.0.0.1:1"]}`,
        ),
      (n) => documents.service(n % SERVICES, 7000 + n, below(2) === 0 ? 'balancer: consistentHash\n' : 'nonsense: 1\n'),
      (n) => documents.drop(`routes/r${String(n).padStart(2, '0')}`),
      (n) => documents.route(n, `/r${n}`, 'idempotency: {}\n'),
      (n) => documents.main(SECTIONS[n % SECTIONS.length] as string),
      (n) => documents.main(`${SECTIONS[n % SECTIONS.length]}${SECTIONS[below(SECTIONS.length)]}`),
      (n) => documents.put('config', { kind: 'root' }, SECTIONS[n % SECTIONS.length] as string),
      () => documents.drop('config'),
      (n) => documents.route(n, `/r${n}`, 'rateLimits: [{requests: 9, per: 1s, by: user, scope: fleet}]\n'),
      (n) => documents.route(n, `/r${n}`, 'value: 3\n'),
    ];
    let renewed = 0;
    for (let step = 0; step < STEPS; step++) {
      // What was made wrong is mended after a while.
      if (step % 10 === 0) {
        for (let n = 0; n < ROUTES; n++) documents.route(n, `/r${n}`);
        for (let n = 0; n < SERVICES; n++) documents.service(n, 7000 + n);
        documents.main('');
        documents.drop('config');
      }
      const deed = deeds[below(4) > 0 ? below(4) : below(deeds.length)] as (n: number) => void;
      for (let count = 1 + below(2); count > 0; count--) deed(below(ROUTES));
      if (take(renewal, documents, `seed ${SEED}, step ${step}`)) renewed += 1;
    }
    t.diagnostic(`${renewed} of ${STEPS} times few were parsed`);
    assert.ok(renewed > STEPS / 8 && renewed < STEPS, `${renewed} of ${STEPS}`);
  });

  it('is made of these alone', () => {
    const { documents, take: next } = rig();
    documents.route(3, '/other', 'timeouts: {request: 3s}\n');
    documents.route(4, '/r3', 'timeouts: {request: 3s}\n');
    assert.equal(next(), true);
    documents.route(3, '/r4');
    assert.equal(next(), true);
  });

  it('is made of what routes have no say in alone', () => {
    const { documents, take: next } = rig();
    documents.main('drain: {delay: 2s}\nlisteners: [127.0.0.1:8443]\n');
    assert.equal(next(), true);
    documents.main('timeouts: {idle: 7s}\n');
    documents.route(3, '/other');
    assert.equal(next(), true, 'with a route, and without what it said before');
    documents.put('config', { kind: 'root' }, 'accessLog: {sample: 0.5}\n');
    assert.equal(next(), false, 'a document more');
    documents.put('config', { kind: 'root' }, 'accessLog: {sample: 0.25}\nhttp: {serverTiming: true}\n');
    assert.equal(next(), true, 'a whole document of a source');
    documents.main('timeouts: {idle: 7s}\naccessLog: {sample: 1}\n');
    assert.equal(next(), false, 'said twice: a warning');
  });

  it('says where answers are kept, whichever route is parsed with what routes have no say in', () => {
    const { documents, take: next } = rig();
    documents.route(7, '/r7', 'idempotency: {}\n');
    assert.equal(next(), false, 'where answers are kept is said from now on');
    documents.main('drain: {delay: 2s}\n');
    assert.equal(next(), true, 'another route is parsed, which has no keys');
    documents.route(7, '/r7');
    assert.equal(next(), false);
    documents.main('drain: {delay: 3s}\n');
    assert.equal(next(), true);
  });

  it('is made of what routes have no say in alone where all have weights', () => {
    const { documents, take: next } = rig();
    for (let n = 0; n < ROUTES; n++) {
      const name = `r${String(n).padStart(2, '0')}`;
      documents.put(`weights/${name}`, { kind: 'weights', name, revision: '1' }, 'weights: {v1: 5}\n');
    }
    next();
    documents.main('drain: {delay: 2s}\n');
    assert.equal(next(), false, 'no route can be parsed by itself');
    documents.drop('weights/r07');
    next();
    documents.main('drain: {delay: 3s}\n');
    assert.equal(next(), true);
  });

  it('is made of a route alone beside routes and services that whole documents have', () => {
    const { documents, take: next } = rig();
    documents.main(
      'services: {own: {versions: {v1: {endpoints: ["127.0.0.1:1"]}}}}\n' +
        'routes: [{name: m, matches: [{path: {value: /m}}], backendRefs: [{name: s1, version: v1}]}]\n',
    );
    documents.route(5, '/r5', '', '{name: own, version: v1}');
    next();
    documents.route(3, '/r3', 'timeouts: {request: 3s}\n');
    assert.equal(next(), true, 'its service is in a source, and a service in it is used by a route of a source');
    documents.service(0, 7777);
    assert.equal(next(), true, 'no route of the whole document refers to it');
    documents.service(1, 7777);
    assert.equal(next(), false, 'one does');
  });

  it('is made of a service alone, and of a route that refers to it', () => {
    const [documents, renewal] = [new Documents(), new Renewal(createPartReader({}))];
    const parse = () => {
      const parsed = renewal.parse(documents.all);
      assert.ok(parsed.ok);
      return parsed.config;
    };
    const before = parse();
    documents.service(1, 7777, 'slowStart: 5s\n');
    documents.service(2, 7778);
    const after = parse();
    assert.equal(renewal.hasRenewed, true);
    assert.deepEqual(
      after.routes.map((route, n) => route === before.routes[n]),
      Array.from({ length: ROUTES }, () => true),
    );
    assert.deepEqual(
      after.services.map((service, n) => service === before.services[n]),
      [true, false, false],
    );
    const whole = parseDocuments(documents.all, createPartReader({}).read);
    assert.deepEqual(after, whole.ok && whole.config);
  });

  it('has the objects of before for all that says the same, however much was parsed', () => {
    const [routes, services] = [200, 3];
    const text = (seconds: number, headers: number): string => {
      const routeOf = (n: number): string => {
        const timeouts = n === 7 ? `, timeouts: {request: ${seconds}s}` : '';
        return `  - {name: r${n}, matches: [{path: {value: /r${n}}}], backendRefs: [{name: s${n % services}}]${timeouts}}\n`;
      };
      const serviceOf = (n: number): string => `  s${n}: {versions: {v1: {endpoints: ["127.0.0.1:${7000 + n}"]}}}\n`;
      const lines = (count: number, of: (n: number) => string): string =>
        Array.from({ length: count }, (_, n) => of(n)).join('');
      return `limits: {headerCountMax: ${headers}}\nservices:\n${lines(services, serviceOf)}routes:\n${lines(routes, routeOf)}`;
    };
    const renewal = new Renewal(createPartReader({}));
    const parse = (seconds: number, headers: number) => {
      const parsed = renewal.parse([mainDocument(text(seconds, headers), 'main.yaml')]);
      assert.ok(parsed.ok && !renewal.hasRenewed);
      return parsed.config;
    };
    const before = parse(1, 128);
    const aside = parse(1, 5);
    assert.equal(aside.limits.headerCountMax, 5);
    assert.deepEqual(editsOf(before.routes, aside.routes), [{ keep: routes }]);
    assert.deepEqual(editsOf(before.services, aside.services), [{ keep: services }]);
    const after = parse(2, 5);
    const [other] = after.routes.filter(({ name }) => name === 'r7');
    assert.deepEqual(editsOf(before.routes, after.routes), [
      { keep: 7 },
      { add: [other] },
      { drop: 1 },
      { keep: routes - 8 },
    ]);
    assert.equal(other?.requestTimeoutMs, 2000);
  });

  it('has what its routes see of a service looked at again', () => {
    const { documents, take: next } = rig();
    documents.service(1, 7777, '', ', v3: {endpoints: ["127.0.0.1:1"]}');
    assert.equal(next(), true, 'a version more');
    documents.service(1, 7777);
    assert.equal(next(), true, 'which nobody sends to');
    for (let n = 0; n < ROUTES; n++)
      documents.route(n, `/r${n}`, 'sticky: {header: x-user}\n', '{name: s1, version: v1}');
    for (const n of [0, 2]) documents.drop(`services/s${n}`);
    next();
    documents.service(1, 7777, 'balancer: consistentHash\n');
    assert.equal(next(), true, 'all routes are sticky');
  });

  it('is parsed as a whole for a service that routes of the main document may refer to', () => {
    const main = mainDocument(
      'sources: [{directory: {path: /none}}]\nroutes: [{name: m, matches: [{path: {value: /m}}], backendRefs: [{name: shop}]}]\n',
      'main.yaml',
    );
    const service = (version: string): SourceDocument => {
      const text = `versions: {${version}: {endpoints: ["127.0.0.1:7000"]}}\n`;
      return { name: 'services/shop', mount: { kind: 'service', name: 'shop' }, text, source: 1, isForeign: true };
    };
    const text = 'matches: [{path: {value: /r}}]\nbackendRefs: [{name: shop}]\n';
    const route = { name: 'routes/r', mount: { kind: 'route', name: 'r' }, text, source: 1, isForeign: true } as const;
    const renewal = new Renewal(createPartReader({}));
    for (const version of ['v1', 'v2']) {
      const parsed = renewal.parse([main, route, service(version)]);
      assert.ok(parsed.ok);
      assert.deepEqual(
        parsed.config.routes.map(({ backendRefs }) => backendRefs.map((ref) => ref.version)),
        [[version], [version]],
      );
    }
  });

  it('is parsed as a whole where a rollout moves several routes', () => {
    const { documents, take: next } = rig();
    const refs = '{name: s0, version: v1, weight: 100}, {name: s0, version: v2, weight: 0}';
    const slo = 'slo: {availability: 0.999}\n';
    next();
    documents.route(9, '/r9', `${slo}rollout: {stable: v1, canary: v2, steps: default, routes: [r06]}\n`, refs);
    documents.route(6, '/r6', slo, refs);
    documents.service(0, 7998);
    assert.equal(next(), false);
    documents.route(6, '/r6', `${slo}timeouts: {request: 7s}\n`, refs);
    assert.equal(next(), false, 'a route that another one leads');
    documents.service(0, 7999);
    assert.equal(next(), false, 'the service of both');
  });

  it('tells of a hedge that is alone as soon as a service has one endpoint', () => {
    const { documents, take: next } = rig();
    const two = (more: string): void => {
      const text = `versions: {v1: {endpoints: ["127.0.0.1:1"${more}]}, v2: {endpoints: ["127.0.0.1:9"]}}\n`;
      documents.put('services/s1', { kind: 'service', name: 's1' }, text);
    };
    two(', "127.0.0.1:2"');
    documents.route(4, '/r4', 'hedge: {after: 100ms}\n');
    next();
    two(', "127.0.0.1:2", "127.0.0.1:3"');
    assert.equal(next(), true);
    two('');
    assert.equal(next(), false);
  });

  it('has an objective that depends on a service told of its breaker', () => {
    const { documents, take: next } = rig();
    documents.service(2, 7002, 'breaker: {}\n');
    const slo = 'slo: {availability: 0.99, composite: {target: 0.9, atLeast: 0.8, dependencies: [s2]}}\n';
    documents.route(0, '/r0', slo, '{name: s0, version: v1}');
    next();
    documents.service(2, 7003, 'breaker: {}\n');
    assert.equal(next(), true);
    documents.service(2, 7003);
    assert.equal(next(), false);
  });

  const WHOLE: readonly (readonly [what: string, change: (documents: Documents) => void])[] = [
    ['a match that another route has', (documents) => documents.route(3, '/r5')],
    [
      'a service that nobody uses any more',
      (documents) => {
        for (let n = 0; n < ROUTES; n += SERVICES) documents.route(n, `/r${n}`, '', '{name: s1, version: v1}');
      },
    ],
    [
      'a version more',
      (documents) => documents.route(3, '/r3', '', '{name: s0, version: v1}, {name: s0, version: v2}'),
    ],
    [
      'a rollout',
      (documents) => documents.route(3, '/r3', 'slo: {availability: 0.9}\nrollout: {stable: v1, canary: v2}\n'),
    ],
    ['keys that count nowhere else', (documents) => documents.route(3, '/r3', 'idempotency: {}\n')],
    ['a warning', (documents) => documents.route(3, '/r3', 'timeouts: {request: 1s, backendRequest: 9s}\n')],
    ['a problem', (documents) => documents.route(3, '/r3', 'timeouts: {request: -1s}\n')],
    [
      'an expression',
      (documents) => {
        const match = 'matches: [{path: {type: RegularExpression, value: "/r3.*"}}]\n';
        documents.put('routes/r03', { kind: 'route', name: 'r03' }, `${match}backendRefs: [{name: s0, version: v1}]\n`);
      },
    ],
    ['a version that is empty', (documents) => documents.service(1, 7777, '', ', v3: {endpoints: []}')],
    ['a breaker', (documents) => documents.service(1, 7777, 'breaker: {}\n')],
    ['user keys that a service needs', (documents) => documents.service(1, 7777, 'balancer: consistentHash\n')],
    [
      'endpoints that are looked up',
      (documents) => documents.service(1, 7777, '', ', v3: {endpoints: {dns: {name: a, port: 1}}}'),
    ],
    ['a service that is not sound', (documents) => documents.service(1, 7777, 'nonsense: 1\n')],
    [
      'a version less, which routes send to',
      (documents) => {
        const text = 'versions: {v2: {endpoints: ["127.0.0.1:7777"]}}\n';
        documents.put('services/s1', { kind: 'service', name: 's1' }, text);
      },
    ],
    [
      'a document that takes the place of another kind',
      (documents) => documents.put('services/s1', { kind: 'ignored' }, 'versions: {}\n'),
    ],
    ['a document more', (documents) => documents.route(ROUTES, '/more')],
    [
      'weights',
      (documents) =>
        documents.put('weights/r03', { kind: 'weights', name: 'r03', revision: '1' }, 'weights: {v1: 5}\n'),
    ],
  ];
  for (const [what, change] of WHOLE) {
    it(`is parsed as a whole because of ${what}`, () => {
      const { documents, take: next } = rig();
      change(documents);
      assert.equal(next(), false);
    });
  }

  it('has a section that counts for some route as long as there is one', () => {
    const { documents, take: next } = rig();
    documents.route(3, '/r3', 'idempotency: {}\n');
    next();
    documents.route(3, '/r3', 'idempotency: {}\ntimeouts: {request: 3s}\n');
    assert.equal(next(), true);
    documents.route(3, '/r3');
    assert.equal(next(), false);
  });

  it('keeps the weights that a document gives a route', () => {
    const { documents, take: next } = rig();
    documents.put('weights/r03', { kind: 'weights', name: 'r03', revision: '1' }, 'weights: {v1: 5}\n');
    assert.equal(next(), false);
    documents.route(3, '/r3', 'timeouts: {request: 3s}\n');
    assert.equal(next(), false);
    documents.route(4, '/r4', 'timeouts: {request: 3s}\n');
    assert.equal(next(), true);
    documents.service(0, 7777);
    assert.equal(next(), true);
    documents.service(0, 7777, '', ', v3: {endpoints: ["127.0.0.1:1"]}');
    assert.equal(next(), false);
  });
});
