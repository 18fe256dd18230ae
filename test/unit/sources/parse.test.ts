import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig, readMain, underMain } from '#src/sources/parse.ts';
import { assertProblem, configOf, problemsOf, SOUND, SOUND_ROLLOUT, warningsOf } from '../../support/config.ts';

/** A sound document with `field` as the first line. */
function top(field: string): string {
  return `${field}\n${SOUND}`;
}

/** A sound document with `field` as the last line of its route. */
function inRoute(field: string): string {
  return `${SOUND}    ${field}\n`;
}

/** A sound document whose first backend reference is `ref`. */
function withRef(ref: string): string {
  return SOUND.replace('{name: shop, version: v1, weight: 95}', ref);
}

/** A sound document whose first version is `version`. */
function withVersion(version: string): string {
  return SOUND.replace('{endpoints: ["127.0.0.1:7001"]}', version);
}

type Row = readonly [document: string, code: string, hint: string | RegExp];

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'text that is no document': [
    ['routes:\n  - a\n« b: c\n', 'SLU1001', ''],
    [`a: 1\n«---\nb: 2\n`, 'SLU1004', ''],
    [top('workers: !!int «2'), 'SLU1005', /remove the tag/],
    [top('workers: 2\n«workers: 3'), 'SLU1006', ''],
    [SOUND.replace('      v2:', '      «v1:'), 'SLU1006', ''],
    [top('«__proto__: {a: 1}'), 'SLU1007', ''],
    [top('workers: «*count'), 'SLU1009', ''],
    [top('workers: «${COUNT}'), 'SLU1010', /^set it, or give a default: \$\{COUNT:-value\}$/],
    [top('workers: «${COUNT-2}'), 'SLU1011', /\$\$\{/],
  ],
  'fields that are not there or not known': [
    [top('«listn: "a:1"'), 'SLU1020', 'did you mean listen?'],
    [inRoute('«hostNames: [a.b]'), 'SLU1020', 'did you mean hostnames?'],
    [top('limits: {«headBytes: 4KiB}'), 'SLU1020', 'did you mean headBytesMax?'],
    [top('«frobnicate: 1'), 'SLU1020', ''],
    [top('timeouts: {«conect: 1s}'), 'SLU1020', 'did you mean connect?'],
    [top('admin: {host: a, port: 1, «prot: 2}'), 'SLU1020', 'did you mean port?'],
    [withRef('{name: shop, version: v1, «wieght: 1}'), 'SLU1020', 'did you mean weight?'],
    [withVersion('{«endpoint: [], endpoints: []}'), 'SLU1020', 'did you mean endpoints?'],
    [`«routes:\n  - name: a\n    backendRefs: [{name: b, version: c}]\n`, 'SLU1021', ''],
    [withRef('«{version: v1}'), 'SLU1021', ''],
    [inRoute('slo: «{latency: {threshold: 1s, target: 0.9}}'), 'SLU1021', ''],
    [top('«<<: {workers: 2}'), 'SLU1020', /merge keys/],
  ],
  'values of the wrong type': [
    [top('«limits:'), 'SLU1022', /null/],
    [top('limits: «5'), 'SLU1022', ''],
    [inRoute('hostnames: «a.example.com'), 'SLU1022', 'did you mean ["a.example.com"]?'],
    [top('workers: «"2"'), 'SLU1022', 'did you mean 2, without quotes?'],
    [top('workers: «atuo'), 'SLU1023', 'did you mean auto?'],
    [top('color: {acceptFrom: «trusted}'), 'SLU1023', 'did you mean trustedProxies?'],
    [inRoute('matches: [{path: {type: «Prefix, value: /a}}]'), 'SLU1023', 'did you mean PathPrefix?'],
    [top('workers: «0'), 'SLU1024', ''],
    [top('limits: {headerCountMax: «1.5}'), 'SLU1024', ''],
    [inRoute('matches: «[]'), 'SLU1025', ''],
    [SOUND.replace(/routes:[^]*/, 'routes: «[]'), 'SLU1025', ''],
    [inRoute('sticky: {clientIp: «yes}'), 'SLU1022', 'did you mean true?'],
  ],
  'numbers, durations and sizes': [
    [inRoute('slo: {availability: «99.9}'), 'SLU1012', 'did you mean 0.999?'],
    [inRoute('slo: {availability: «"99.95%"}'), 'SLU1012', 'did you mean 0.9995?'],
    [inRoute('slo: {availability: «1}'), 'SLU1012', 'did you mean 0.01?'],
    [inRoute('slo: {availability: 0.9, latency: {threshold: 1s, target: «99}}'), 'SLU1012', 'did you mean 0.99?'],
    [withRef('{name: shop, version: v1, weight: «-1}'), 'SLU1041', ''],
    [withRef('{name: shop, version: v1, weight: «0.95}'), 'SLU1041', /95 and 5/],
    [withRef('{name: shop, version: v1, weight: «2000000}'), 'SLU1041', ''],
    [top('timeouts: {head: «10}'), 'SLU1030', 'did you mean 10s?'],
    [top('timeouts: {head: «300}'), 'SLU1030', 'did you mean 300ms?'],
    [top('timeouts: {head: «1.5s}'), 'SLU1030', 'did you mean 1s500ms?'],
    [top('timeouts: {head: «10 seconds}'), 'SLU1030', 'did you mean 10s?'],
    [top('timeouts: {head: «0s}'), 'SLU1030', ''],
    [top('timeouts: {head: «25h}'), 'SLU1030', ''],
    [top('limits: {headBytesMax: «32kb}'), 'SLU1031', 'did you mean 32KiB?'],
    [top('limits: {headBytesMax: «4096, requestLineBytesMax: 8192}'), 'SLU1068', ''],
    [`${SOUND_ROLLOUT.trimEnd().slice(0, -1)}, alpha: «0}\n`, 'SLU1024', ''],
  ],
  'retries, hedging and upgrades': [
    [inRoute('retry: {attempts: «6}'), 'SLU1024', ''],
    [inRoute('retry: {attempts: «"1"}'), 'SLU1022', 'did you mean 1, without quotes?'],
    [inRoute('retry: {codes: [503, «404]}'), 'SLU1046', ''],
    [inRoute('retry: {codes: «503}'), 'SLU1022', 'did you mean [503]?'],
    [inRoute('retry: {backoff: «25}'), 'SLU1030', 'did you mean 25s?'],
    [inRoute('retry: {«retries: 1}'), 'SLU1020', ''],
    [inRoute('timeouts: {backendRequest: «0s}'), 'SLU1030', ''],
    [inRoute('timeouts: {«backendrequest: 1s}'), 'SLU1020', 'did you mean backendRequest?'],
    [inRoute('hedge: «50ms'), 'SLU1022', ''],
    [inRoute('hedge: «{}'), 'SLU1021', ''],
    [inRoute('upgrade: {protocols: «websocket}'), 'SLU1022', 'did you mean ["websocket"]?'],
    [inRoute('upgrade: {protocols: [«h2c]}'), 'SLU1070', /neither routed/],
    [inRoute('upgrade: {onRollback: «closed}'), 'SLU1023', 'did you mean close?'],
  ],
  'addresses and names': [
    [top('listen: «8080'), 'SLU1022', 'did you mean "0.0.0.0:8080"?'],
    [top('admin: «":9900"'), 'SLU1032', 'did you mean "127.0.0.1:9900"?'],
    [top('listen: {host: a, port: «65536}'), 'SLU1033', ''],
    [withVersion('{endpoints: [«"127.0.0.1:70000"]}'), 'SLU1033', ''],
    [withVersion('{endpoints: [«"127.0.0.1:0"]}'), 'SLU1033', ''],
    [withVersion('{endpoints: [«"http://10.0.0.1:80/"]}'), 'SLU1032', 'did you mean "10.0.0.1:80"?'],
    [withVersion('{endpoints: [«"::1:7001"]}'), 'SLU1032', 'did you mean "[::1]:7001"?'],
    [withVersion('{endpoints: [«10.0.0.1]}'), 'SLU1032', 'add the port: "10.0.0.1:8080"'],
    [top('listen: "127.0.0.1:9900"\nadmin: «"0.0.0.0:9900"'), 'SLU1064', ''],
    [inRoute('hostnames: [«"a.*.com"]'), 'SLU1034', /first label/],
    [inRoute('hostnames: [«"shop.example.com:443"]'), 'SLU1034', 'did you mean shop.example.com?'],
    [inRoute('hostnames: [«"*"]'), 'SLU1034', /leave hostnames out/],
    [inRoute('hostnames: [«münchen.example]'), 'SLU1034', 'did you mean xn--mnchen-3ya.example?'],
    [top('trustedProxies: [10.0.0.0/8, «10.0.0.0/33]'), 'SLU1039', 'the prefix length is from 0 to 32'],
    [top('trustedProxies: [«ten]'), 'SLU1039', ''],
    [SOUND.replace('- name: shop', '- name: «shop/a'), 'SLU1040', ''],
    [SOUND.replace('      v2:', '      «v 2:'), 'SLU1040', ''],
  ],
  'words of HTTP': [
    [inRoute('matches: [{path: {value: «api}}]'), 'SLU1035', 'did you mean /api?'],
    [inRoute('matches: [{path: {value: «/a?b=c}}]'), 'SLU1035', /query/],
    [inRoute('matches: [{path: {value: «/a/*}}]'), 'SLU1035', /PathPrefix/],
    [inRoute('matches: [{path: {value: «/a/../b}}]'), 'SLU1035', /\/\.\.\//],
    [inRoute('matches: [{path: {value: «/caf%c3%a9}}]'), 'SLU1035', 'did you mean /caf%C3%A9?'],
    [inRoute('matches: [{method: «get}]'), 'SLU1038', 'did you mean GET?'],
    [inRoute('matches: [{headers: [{name: «"x stage", value: a}]}]'), 'SLU1036', 'did you mean x-stage?'],
    [inRoute('matches: [{headers: [{name: x-a, value: «" a"}]}]'), 'SLU1037', ''],
    [inRoute('matches: [{headers: [{name: x-a, value: «1}]}]'), 'SLU1022', 'put it in quotes'],
    [inRoute('matches: [{headers: [{name: x-a, value: b}, {name: «X-A, value: c}]}]'), 'SLU1066', ''],
    [inRoute('sticky: {cookie: «"a=b"}'), 'SLU1036', ''],
    [inRoute('sticky: «{}'), 'SLU1065', /remove sticky/],
    [top('color: {header: «Host}'), 'SLU1067', 'use x-release-stage'],
  ],
  references: [
    [
      `${SOUND}  - {name: «shop, matches: [{path: {value: /b}}], backendRefs: [{name: shop, version: v1}]}\n`,
      'SLU1050',
      '',
    ],
    [`${SOUND}  - «{name: b, backendRefs: [{name: shop, version: v1}]}\n`, 'SLU1051', ''],
    [
      `${SOUND}  - {name: b, matches: [{path: {value: /b}}, «{path: {value: /b/}}], backendRefs: [{name: shop, version: v1}]}\n`,
      'SLU1051',
      '',
    ],
    [SOUND.replace(/9?5}/g, '0}').replace('backendRefs', '«backendRefs'), 'SLU1052', ''],
    [withRef('{name: «shpo, version: v1}'), 'SLU1053', 'did you mean shop?'],
    [withRef('{name: «other, version: v1}'), 'SLU1053', ''],
    [withRef('{name: shop, version: «v3}'), 'SLU1054', 'did you mean v1?'],
    [withRef('«{name: shop}'), 'SLU1055', ''],
    [
      withRef('«{name: shop, version: v2}')
        .replace('«', '')
        .replace('- {name: shop, version: v2, w', '- «{name: shop, version: v2, w'),
      'SLU1056',
      '',
    ],
    [withVersion('{endpoints: ["Web:80", «"web:80"]}'), 'SLU1057', ''],
    [SOUND.replace('7002"]', '7002"], colors: [a, «v1]'), 'SLU1058', ''],
    [inRoute('«rollout: {stable: v1, canary: v2}'), 'SLU1059', 'add slo: {availability: 0.999}'],
    [SOUND_ROLLOUT.replace('canary: v2', 'canary: «v22'), 'SLU1060', 'did you mean v2?'],
    [SOUND_ROLLOUT.replace('canary: v2', 'canary: «v1'), 'SLU1061', ''],
    [SOUND_ROLLOUT.replace('stable: v1', 'stable: «v1').replace('95', '0'), 'SLU1063', /make it the stable/],
  ],
};

describe('a bad document has one problem at its place, with its code and hint', () => {
  for (const [group, rows] of Object.entries(TABLE)) {
    describe(group, () => {
      for (const [document, code, hint] of rows) {
        const line = document.split('\n').find((one) => one.includes('«')) ?? '';
        test(`${code}: ${line.trim()}`, () => assertProblem(document, code, hint));
      }
    });
  }
});

describe('parseConfig', () => {
  test('accepts the sound document without a warning', () => {
    assert.deepEqual(warningsOf(SOUND), []);
    assert.equal(configOf(SOUND).routes.length, 1);
  });

  test('reports the problems of all stages at once, in the order of the document', () => {
    const codes = problemsOf(`workers: \${N}
listn: 1
services:
  a: {versions: {v1: {endpoints: [x]}}}
  b: {versions: {v1: {endpoints: ["h:1", "h:1"]}}}
routes:
  - {name: r, backendRefs: [{name: c, version: v1}]}
  - {name: r, backendRefs: [{name: b, weight: -1}]}
  - {name: q, backendRefs: [{name: a, version: v9}]}
`).map(({ code, line }) => `${code}:${line}`);
    assert.deepEqual(codes, [
      'SLU1010:1',
      'SLU1020:2',
      'SLU1032:4',
      'SLU1057:5',
      'SLU1053:7',
      'SLU1041:8',
      'SLU1051:9',
    ]);
  });

  test('says nothing of versions of a service that is malformed itself', () => {
    const problems = problemsOf(SOUND.replace('7001"]', '7001"], oops: 1').replace('version: v1', 'version: v7'));
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['SLU1020'],
    );
  });

  test('says nothing of services when the services are not readable', () => {
    const problems = problemsOf(SOUND.replace(/services:[^]*routes/, 'services: 5\nroutes'));
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['SLU1022'],
    );
  });

  test('reads JSON', () => {
    const json = JSON.stringify({
      services: { a: { versions: { v: { endpoints: ['h:1'] } } } },
      routes: [{ name: 'r', backendRefs: [{ name: 'a' }] }],
    });
    assert.equal(configOf(json).routes[0]?.backendRefs[0]?.version, 'v');
  });

  test('takes variables from the environment it is given and from nowhere else', () => {
    const text = top('workers: ${WORKERS}');
    assert.equal(configOf(text, { WORKERS: '3' }).workers, 3);
    assert.equal(parseConfig(text, 'test.yaml').ok, false);
  });

  test('an empty document has a problem without a place', () => {
    for (const text of ['', '\n', '# nothing\n', '---\n', 'null']) {
      const [problem] = problemsOf(text);
      assert.deepEqual([problem?.code, problem?.line, problem?.column], ['SLU1003', 0, 0], text);
    }
  });
});

describe('a main document under which a configuration of before goes on', () => {
  const FROM = 'sources: [{etcd: {endpoints: ["http://127.0.0.1:1"]}}]\n';

  test('says what belongs to the process, and nothing else', () => {
    const config = configOf(top('listen: 127.0.0.1:1\nadminToken: an-old-token-that-leaked'));
    const under = underMain(config, `${FROM}listen: 127.0.0.1:2\nlimits: {headerCountMax: 9}\n`, 'a.yaml', {});
    assert.ok(under.ok);
    assert.deepEqual([under.config.listen.port, under.config.adminTokenHash], [2, null]);
    assert.deepEqual([under.config.limits, under.config.routes], [config.limits, config.routes]);
  });

  test('is refused for names that the configuration does not have, and locks without a store', () => {
    const redis = 'redis: {address: "redis://127.0.0.1:6379"}';
    const alerts =
      'alerts: {channels: {a: {type: slack, url: {variable: U}}}, rules: [{channels: [a], services: [nope]}]}\n';
    const under = underMain(
      configOf(SOUND),
      `${FROM}fleet: {name: e, lock: consul, ${redis}}\n${alerts}`,
      'a.yaml',
      {},
    );
    assert.deepEqual(!under.ok && under.problems.map(({ code, got }) => [code, got]), [
      ['SLU1133', 'none'],
      ['SLU1226', 'nope'],
    ]);
    assert.equal(underMain(configOf(SOUND), 'listen: nowhere', 'a.yaml', {}).ok, false);
  });

  test('tells where the state is before any source has answered', () => {
    assert.equal(readMain(`${FROM}state: {directory: /d}\n`, 'a.yaml', {}).stateDirectory, '/d');
    assert.equal(readMain(FROM, 'a.yaml', {}).stateDirectory, null);
  });
});
