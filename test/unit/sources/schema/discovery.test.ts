import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsAt } from '#src/sources/schema.ts';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const CONSUL = 'discovery: {consul: {address: "http://127.0.0.1:8500"}}\n';

/** A sound document, with Consul to ask, whose second version has these endpoints. */
function looking(endpoints: string): string {
  return `${CONSUL}${SOUND.replace('["127.0.0.1:7002"]', endpoints)}`;
}

test('endpoints are a list, or exactly one question', () => {
  for (const [endpoints, code, hint] of [
    ['«{}', 'SLU1130', ''],
    ['«{srv: {name: a.test}, etcd: {}}', 'SLU1130', ''],
    ['{srv: {name: a.test}, «etc: {}}', 'SLU1020', 'did you mean etcd?'],
    ['«5', 'SLU1022', /a list|\[5\]/],
    ['{consul: {«servce: shop}}', 'SLU1020', 'did you mean service?'],
    ['{consul: {service: «5}}', 'SLU1022', 'put it in quotes'],
    ['{consul: {version: v1, except: «[v2]}}', 'SLU1130', 'an instance of that version is of no other one'],
    ['{consul: {except: «[]}}', 'SLU1025', ''],
    ['{dns: «{name: a.test}}', 'SLU1021', ''],
    ['{dns: {name: «"a b", port: 80}}', 'SLU1032', ''],
    ['{dns: {name: a.test, port: «0}}', 'SLU1033', ''],
    ['{srv: {name: «10.0.0.1}}', 'SLU1131', ''],
    ['{etcd: {version: «a/b}}', 'SLU1040', ''],
  ] as const) {
    assertProblem(looking(endpoints), code, hint);
  }
});

test('whom to ask is checked value by value', () => {
  for (const [text, code] of [
    ['{consul: «{}}', 'SLU1021'],
    ['{consul: {address: "http://a", «prefix: sluice}}', 'SLU1020'],
    ['{consul: {address: "http://a", canaryTags: [«""]}}', 'SLU1131'],
    ['{etcd: {endpoints: «[]}}', 'SLU1025'],
    ['{dns: {servers: [«dns.test]}}', 'SLU1131'],
    ['{dns: {servers: «[]}}', 'SLU1025'],
    ['{dns: {interval: «100ms}}', 'SLU1030'],
    ['{dns: {timeout: «2m}}', 'SLU1030'],
    ['{«zookeeper: {}}', 'SLU1020'],
  ] as const) {
    assertProblem(`discovery: ${text}\n${SOUND}`, code, /.*/);
  }
});

test('a question has the names of the document where it gives no others', () => {
  const fromOf = (endpoints: string) => {
    const text = looking(endpoints).replace(
      'discovery: {',
      'discovery: {etcd: {endpoints: ["http://127.0.0.1:2379"]}, ',
    );
    return configOf(text).services[0]?.versions[1]?.from;
  };
  const consul = { kind: 'consul', service: 'shop', version: null, except: [], color: null, tags: [] };
  assert.deepEqual(fromOf('{consul: {}}'), consul);
  assert.deepEqual(fromOf('{consul: {service: s, version: "2", color: c, tags: [b, a]}}'), {
    ...consul,
    ...{ service: 's', version: '2', color: 'c', tags: ['a', 'b'] },
  });
  assert.deepEqual(fromOf('{consul: {except: [b, a]}}'), { ...consul, except: ['a', 'b'] });
  assert.deepEqual(fromOf('{etcd: {}}'), { kind: 'etcd', service: 'shop', version: 'v2' });
  assert.deepEqual(fromOf('{etcd: {service: a, version: b}}'), { kind: 'etcd', service: 'a', version: 'b' });
  assert.deepEqual(fromOf('{dns: {name: Shop.Test, port: 80}}'), { kind: 'dns', name: 'shop.test', port: 80 });
  assert.deepEqual(fromOf('{srv: {name: _H._tcp.Test}}'), { kind: 'srv', name: '_h._tcp.test' });
});

test('hints know the fields of a list and those of a question', () => {
  const path = ['services', 'a', 'versions', 'b', 'endpoints'];
  assert.deepEqual(fieldsAt(path), ['consul', 'dns', 'srv', 'etcd']);
  assert.deepEqual(fieldsAt([...path, 'dns']), ['name', 'port']);
  assert.deepEqual(fieldsAt([...path, 0]), ['address', 'weight']);
});
