import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import type { Snapshot } from '#src/model/snapshot.ts';
import { ENDPOINTS_MAX, GATEWAY_CELL, UNITS_MAX } from '#src/model/tallies.ts';
import { compile } from '#src/snapshot/compile.ts';
import { hashConfig } from '#src/snapshot/hash.ts';
import { NO_IDS } from '#src/snapshot/live.ts';
import { LOOKUPS_MAX } from '#src/sources/follow/discover/lookup.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { PROBLEM_KINDS } from '#src/sources/problems/codes.ts';
import { jsonSchema } from '#src/sources/schema.ts';

const root = join(import.meta.dirname, '../..');

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The snapshot of a document that must be accepted without a warning. */
function compileText(text: string, file: string): Snapshot {
  const result = parseConfig(text, file, {});
  if (!result.ok) assert.fail(result.problems.map(formatProblem).join('\n'));
  assert.deepEqual(result.warnings, []);
  const { config } = result;
  const input = { config, hash: hashConfig(config), revision: 1, overrides: [], ids: NO_IDS };
  return compile({ ...input, mayRecycle: () => false }).snapshot;
}

describe('the examples', () => {
  const files = globSync('config/examples/*.yaml', { cwd: root }).toSorted();

  test('are there', () => {
    const names = files.map((file) => file.split('/').at(-1));
    for (const name of ['canary.yaml', 'filters.yaml', 'minimal.yaml', 'multi-service.yaml', 'resilience.yaml'])
      assert.ok(names.includes(name), name);
  });

  for (const file of files) {
    test(`${file} is accepted without a warning and compiles`, () => {
      assert.ok(compileText(read(file), file).routes.length > 0);
    });
  }

  test('canary.yaml sends 5 % to a canary that is judged, and pins it by color', () => {
    const result = parseConfig(read('config/examples/canary.yaml'), 'canary.yaml', {});
    assert.ok(result.ok);
    const { listen, admin, color, routes } = result.config;
    assert.deepEqual(
      [listen, admin],
      [
        { host: '127.0.0.1', port: 8080 },
        { host: '127.0.0.1', port: 9900 },
      ],
    );
    assert.deepEqual([color.header, color.acceptFrom], ['x-release-stage', 'anyone']);
    const [route] = routes;
    assert.deepEqual(
      route?.backendRefs.map(({ version, weight }) => [version, weight]),
      [
        ['v1', 95],
        ['v2', 5],
      ],
    );
    assert.equal(route?.sticky?.header, 'x-user-id');
    assert.deepEqual([route?.rollout?.stable, route?.rollout?.canary], ['v1', 'v2']);
    const snapshot = compileText(read('config/examples/canary.yaml'), 'canary.yaml');
    assert.deepEqual(snapshot.routes[0]?.splits[1]?.colors, ['v2', 'canary']);
  });

  test('resilience.yaml and filters.yaml build what their comments say', () => {
    const [resilience, filters] = ['resilience', 'filters'].map((name) => {
      const result = parseConfig(read(`config/examples/${name}.yaml`), `${name}.yaml`, {});
      return result.ok ? result.config : assert.fail(name);
    });
    const [catalog] = resilience?.services ?? [];
    assert.deepEqual(
      catalog?.versions[0]?.endpoints.map(({ weight }) => weight),
      [3, 1, 1],
    );
    assert.equal(catalog?.health?.host, 'catalog.internal');
    assert.deepEqual(resilience?.services[1]?.outlier, null);
    assert.deepEqual(resilience?.routes[0]?.retry, {
      retriesMax: 2,
      statuses: [502, 503, 504],
      backoffMs: 25,
      attemptTimeoutMs: 800,
      hedgeMs: 300,
    });
    const used = (filters?.routes ?? []).flatMap((route) =>
      Object.entries(route.filters).flatMap(([type, filter]) => (filter === null ? [] : [type])),
    );
    assert.deepEqual([...new Set(used)].toSorted(), [
      'cors',
      'mirror',
      'redirect',
      'requestHeaders',
      'responseHeaders',
      'rewrite',
    ]);
    assert.deepEqual(filters?.routes[2]?.backendRefs, []);
  });

  test('multi-service.yaml takes its port and host name from the environment', () => {
    const text = read('config/examples/multi-service.yaml');
    const result = parseConfig(text, 'multi-service.yaml', { PORT: '80', SHOP_HOST: 'shop.test' });
    assert.ok(result.ok);
    assert.equal(result.config.listen.port, 80);
    assert.deepEqual(result.config.routes[0]?.hostnames, ['shop.test']);
  });
});

describe('docs/problems.md', () => {
  const rows = [...read('docs/problems.md').matchAll(/^\| (SLU\d{4}) \| (.*?) \| (.*?) \|$/gm)];

  test('has every code with its meaning, in order, and no other', () => {
    const shown = rows.map(([, code, meaning]) => ({ code, meaning }));
    assert.deepEqual(shown, PROBLEM_KINDS);
  });

  test('says for each what to do', () => {
    for (const [row, , , remedy] of rows) assert.match(remedy ?? '', /\S.*\.$/, row);
  });
});

describe('docs/CONFIG.md', () => {
  const page = read('docs/CONFIG.md');

  test('has every field of the schema and no other', () => {
    const shown = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path ?? '');
    assert.deepEqual(
      shown.toSorted(),
      fieldsOf(jsonSchema())
        .map(({ path }) => path)
        .toSorted(),
    );
  });

  test('shows the defaults that the schema describes', () => {
    const defaults = new Map(
      [...page.matchAll(/^\| `([^`]+)` \| .*? \| `([^`]+)` \|/gm)].map(([, path = '', shown = '']) => [path, shown]),
    );
    const described = fieldsOf(jsonSchema()).flatMap(({ path, description }) => {
      const value = /default (\S+)$/.exec(description)?.[1];
      return value === undefined ? [] : [[path, value] as const];
    });
    assert.deepEqual(Object.fromEntries(defaults), Object.fromEntries(described));
  });

  test('says how much a configuration may have', () => {
    const text = page.replace(/\s+/g, ' ');
    for (const [max, of] of [
      [GATEWAY_CELL, 'routes and `backendRefs` together'],
      [UNITS_MAX / 2, 'routes under a rollout'],
      [ENDPOINTS_MAX, 'different endpoints'],
      [LOOKUPS_MAX, 'lookups'],
    ] as const) {
      assert.ok(text.includes(`${max.toLocaleString('en')} ${of}`), of);
    }
  });

  test('its documents are accepted without a warning', () => {
    const documents = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text ?? '');
    assert.ok(documents.length > 0);
    for (const text of documents) compileText(text, 'docs/CONFIG.md');
  });
});

interface Field {
  readonly path: string;
  readonly description: string;
}

/** All values by path: `routes[].backendRefs[].weight`, `services.*.versions.*.endpoints[]`. Of a union, all branches. */
function fieldsOf(node: unknown, path = ''): Field[] {
  if (typeof node !== 'object' || node === null) return [];
  const { properties, items, additionalProperties, anyOf, description } = node as Readonly<Record<string, unknown>>;
  if (typeof properties === 'object' && properties !== null) {
    return Object.entries(properties).flatMap(([name, child]) =>
      fieldsOf(child, path === '' ? name : `${path}.${name}`),
    );
  }
  if (items !== undefined) return fieldsOf(items, `${path}[]`);
  if (typeof additionalProperties === 'object') return fieldsOf(additionalProperties, `${path}.*`);
  const itself = { path, description: typeof description === 'string' ? description : '' };
  const parts = Array.isArray(anyOf) ? anyOf.flatMap((branch) => fieldsOf(branch, path)) : [];
  return [itself, ...parts.filter((part) => part.path !== path)];
}
