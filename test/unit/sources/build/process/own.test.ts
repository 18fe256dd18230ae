import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '#src/model/config.ts';
import { buildListen, buildOwn, withOwn } from '#src/sources/build/process/own.ts';
import { FILE_ONLY } from '#src/sources/document/pieces.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

/** Where the rest of the configuration is: of no configuration itself. */
const ELSEWHERE = ['sources', 'follow', 'discovery'];

test('what only the main document may say is built of it alone', () => {
  const own = buildOwn({ listen: '127.0.0.1:1', admin: { host: 'LOCALHOST', port: 2, hosts: ['A.test'] }, workers: 3 });
  assert.deepEqual(own.listen, { host: '127.0.0.1', port: 1 });
  assert.deepEqual(own.admin, { host: 'localhost', port: 2, hosts: ['a.test'] });
  assert.deepEqual([own.workers, own.adminTokenHash, own.state.directory, own.fleet], [3, null, null, null]);
  const everything = buildOwn({ listeners: [], alerts: { channels: {} } });
  const fields = Object.keys(everything).map((field) => (field === 'adminTokenHash' ? 'adminToken' : field));
  assert.deepEqual(fields.toSorted(), [...FILE_ONLY].filter((field) => !ELSEWHERE.includes(field)).toSorted());
});

test('a token is kept as its hash', () => {
  const { adminTokenHash } = buildOwn({ adminToken: 'correct-horse-battery-staple' });
  assert.match(adminTokenHash ?? '', /^[0-9a-f]{64}$/);
});

test('a configuration under another document has its fields, and none that this does not have', () => {
  const config: Config = configOf(`listeners: [127.0.0.1:5]\nlimits: {headerCountMax: 7}\n${SOUND}`);
  const now = withOwn(config, buildOwn({ listen: '127.0.0.1:9' }));
  assert.deepEqual([now.listen.port, now.listeners, now.limits.headerCountMax], [9, undefined, 7]);
  assert.equal('listeners' in now, false);
  assert.equal(now.routes, config.routes);
});

test('an address is text or a mapping', () => {
  const fallback = { host: 'h', port: 1 };
  assert.equal(buildListen(undefined, fallback), fallback);
  assert.deepEqual(buildListen('[::1]:80', fallback), buildListen({ host: '::1', port: 80 }, fallback));
});
