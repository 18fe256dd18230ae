import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FieldChange } from '#src/model/threads/revision.ts';
import { CHANGES_MAX, diffConfigs, REDACTED, redact } from '#src/snapshot/revisions/diff.ts';
import { configOf, SOUND } from '../../../support/config.ts';

const changesOf = (before: string, after: string): readonly FieldChange[] =>
  diffConfigs(configOf(before), configOf(after)).changes;

suite('what differs between two configurations', () => {
  test('is nothing between equal ones', () => {
    assert.deepEqual(diffConfigs(configOf(SOUND), configOf(SOUND)), { changes: [], more: 0 });
  });

  test('is told by route, backend and field', () => {
    assert.deepEqual(changesOf(SOUND, SOUND.replace('weight: 5}', 'weight: 6}')), [
      { scope: 'route', name: 'shop', field: 'backendRefs[shop/v2].weight', before: 5, after: 6 },
    ]);
  });

  test('is told by service, version and endpoint', () => {
    const other = SOUND.replace('127.0.0.1:7002', '127.0.0.1:7003');
    const endpoint = { host: '127.0.0.1', weight: 1 };
    const field = (port: number): string => `versions[v2].endpoints[127.0.0.1:${port}]`;
    assert.deepEqual(changesOf(SOUND, other), [
      { scope: 'service', name: 'shop', field: field(7002), before: { ...endpoint, port: 7002 } },
      { scope: 'service', name: 'shop', field: field(7003), after: { ...endpoint, port: 7003 } },
    ]);
  });

  test('is told of the gateway, of routes that came and went, and of their order', () => {
    const route = (name: string): string =>
      `  - {name: ${name}, hostnames: [${name}.test], backendRefs: [{name: shop, version: v1}]}\n`;
    const changes = changesOf(
      `${SOUND}${route('a')}${route('b')}`,
      `limits: {headerCountMax: 64}\n${SOUND}${route('b')}${route('c')}`,
    );
    assert.deepEqual(
      changes.map(({ scope, name, field, before, after }) => [
        scope,
        name,
        field,
        before === undefined,
        after === undefined,
      ]),
      [
        ['gateway', '', 'limits.headerCountMax', false, false],
        ['route', 'a', '', false, true],
        ['route', 'c', '', true, false],
      ],
    );
    const [order] = changesOf(`${SOUND}${route('a')}${route('b')}`, `${SOUND}${route('b')}${route('a')}`);
    assert.deepEqual([order?.field, order?.after], ['order of routes', ['shop', 'b', 'a']]);
  });

  test('a limit that there is not has a word', () => {
    const hedged = SOUND.replace('  - name: shop', '  - name: shop\n    hedge: {after: 20ms}');
    assert.deepEqual(changesOf(hedged, SOUND), [
      { scope: 'route', name: 'shop', field: 'retry.hedgeMs', before: 20, after: 'none' },
    ]);
  });

  test('secrets are redacted on both sides, and that one changed is told', () => {
    const withKey = (key: string): string =>
      `adminToken: ${key}-of-the-admin-server\n${SOUND}    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Api-Key, value: ${key}}]}}]\n`;
    const changes = changesOf(withKey('hunter2'), withKey('swordfish'));
    assert.deepEqual(
      changes.map(({ field, before, after }) => [field, before, after]),
      [
        ['adminTokenHash', REDACTED, `${REDACTED}, changed`],
        ['filters.requestHeaders.set[X-Api-Key].value', REDACTED, `${REDACTED}, changed`],
      ],
    );
    const all = JSON.stringify([changes, changesOf(SOUND, withKey('hunter2')), redact(configOf(withKey('hunter2')))]);
    assert.doesNotMatch(all, /hunter2|swordfish/);
    assert.doesNotMatch(all, new RegExp(configOf(withKey('hunter2')).adminTokenHash as string));
  });

  test('beyond a thousand the rest is counted', () => {
    const routes = Array.from(
      { length: CHANGES_MAX + 7 },
      (_, n) => `  - {name: r${n}, hostnames: [h${n}.test], backendRefs: [{name: shop, version: v1}]}\n`,
    );
    const { changes, more } = diffConfigs(configOf(SOUND), configOf(SOUND + routes.join('')));
    assert.deepEqual([changes.length, more], [CHANGES_MAX, 7]);
  });
});
