import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptionAt, documentSchema, fieldsAt, jsonSchema } from '#src/sources/schema.ts';

test('what the schema says of a field is found by path', () => {
  assert.match(descriptionAt(['timeouts', 'head']), /; default 10s$/);
  assert.match(descriptionAt(['routes', 3, 'slo', 'latency', 'threshold']), /./);
  assert.equal(descriptionAt(['nothing']), '');
  assert.equal(descriptionAt([]), '');
});

test('the known fields of every mapping are found by path', () => {
  assert.deepEqual(fieldsAt(['color']), ['header', 'acceptFrom', 'query', 'cookie', 'baggage', 'signature', 'jwt']);
  assert.deepEqual(fieldsAt(['admin']), ['host', 'port', 'hosts']);
  assert.deepEqual(fieldsAt(['services', 'any', 'versions', 'v1']), [
    ...['endpoints', 'colors', 'overload', 'tls', 'protocol', 'proxyProtocol'],
  ]);
  assert.deepEqual(fieldsAt(['routes', 5, 'slo', 'latency']), ['threshold', 'target']);
  assert.deepEqual(fieldsAt(['services', 'any', 'versions', 'v1', 'endpoints', 0]), ['address', 'weight']);
  assert.ok(fieldsAt(['services', 'any', 'outlierDetection']).includes('ejectionMax'));
  assert.deepEqual(fieldsAt(['routes', 0, 'matches', 0, 'path']), ['type', 'value']);
  assert.ok(fieldsAt(['routes', 0, 'filters', 0]).includes('requestMirror'));
  assert.deepEqual(fieldsAt(['routes', 0, 'filters', 0, 'requestMirror', 'fraction']), ['numerator', 'denominator']);
  assert.ok(fieldsAt([]).includes('routes'));
});

test('there are none where names are free or nothing is known', () => {
  for (const path of [['services'], ['routes'], ['workers'], ['nothing', 'here'], ['routes', 0, 'name', 'x']]) {
    assert.deepEqual(fieldsAt(path), [], path.join('.'));
  }
});

test('every value that may be left out is optional', () => {
  const minimal = {
    services: { a: { versions: { v: { endpoints: ['h:1'] } } } },
    routes: [{ name: 'r', backendRefs: [{ name: 'a' }] }],
  };
  assert.equal(documentSchema.safeParse(minimal).success, true);
});

test('the JSON Schema is strict and says what a value must be', () => {
  const schema = jsonSchema() as {
    $schema: string;
    anyOf: { required: string[] }[];
    additionalProperties: boolean;
    properties: Record<string, { description?: string; properties?: Record<string, unknown>; anyOf?: unknown[] }>;
  };
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.equal(schema.additionalProperties, false);
  assert.deepEqual(
    schema.anyOf.map(({ required }) => required.toSorted()),
    [['routes', 'services'], ['sources']],
  );
  assert.deepEqual(schema.properties['workers']?.anyOf, [
    { const: 'auto' },
    { type: 'integer', minimum: 1, maximum: 1024 },
  ]);
  assert.match(JSON.stringify(schema.properties['timeouts']?.properties?.['head']), /"type":"string"/);
  assert.match(JSON.stringify(schema), /"exclusiveMaximum":1/);
});

test('every value has a description', () => {
  const bare: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const {
      properties = {},
      items,
      additionalProperties,
      anyOf = [],
      description,
    } = node as Record<string, unknown> & { properties?: object; anyOf?: Record<string, unknown>[] };
    const isValue = items === undefined && additionalProperties === undefined;
    if (isValue && description === undefined) bare.push(path);
    for (const [name, child] of Object.entries(properties)) walk(child, `${path}.${name}`);
    for (const branch of anyOf) if (branch['properties'] !== undefined && description !== undefined) walk(branch, path);
    walk(items, `${path}[]`);
    walk(additionalProperties, `${path}.*`);
  };
  walk(jsonSchema(), '');
  assert.deepEqual(bare, []);
});
