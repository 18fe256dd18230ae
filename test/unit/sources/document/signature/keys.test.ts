import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  KEYS_MAX,
  loadConfigKeys,
  printOf,
  readConfigKeys,
  withoutKeys,
} from '#src/sources/document/signature/keys.ts';

const HEX = 'ab'.repeat(32);

test('keys are in the order of their lines; empty lines and remarks are left out', () => {
  const keys = readConfigKeys(`# newest first\n\n new:${HEX}\r\nold-1.x:${'CD'.repeat(64)}\n`, 'keys');
  assert.deepEqual(
    keys.map(({ id, secret }) => [id, Buffer.from(secret).toString('hex')]),
    [
      ['new', HEX],
      ['old-1.x', 'cd'.repeat(64)],
    ],
  );
});

test('what is no key is refused with its line, and never shown', () => {
  for (const [text, message] of [
    ['', /^keys holds no key: draw one with openssl rand -hex 32/],
    ['# none', /holds no key/],
    [`a:${HEX}\nb ${HEX}`, /^keys, line 2 is no key/],
    [`a:${HEX}0`, /^keys, line 1 is no key/],
    [`a b:${HEX}`, /line 1 is no key/],
    [`a:${'ab'.repeat(31)}`, /^keys, line 1: a key has 32 to 64 bytes, this one 31$/],
    [`a:${'ab'.repeat(65)}`, /this one 65$/],
    [`a:${HEX}\na:${HEX}`, /two keys of the name a$/],
    [Array.from({ length: KEYS_MAX + 1 }, (_, n) => `k${n}:${HEX}`).join('\n'), /holds 17 keys, more than 16$/],
  ] as const) {
    assert.throws(
      () => readConfigKeys(text, 'keys'),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'SLU_USAGE');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /abab/);
        return true;
      },
    );
  }
});

test('a file goes before the environment, and where neither is there are none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'keys');
  await writeFile(file, `file:${HEX}\n`);
  const environment = { SLUICE_CONFIG_KEYS: `env:${HEX}`, OTHER: 'x' };
  assert.deepEqual(
    (await loadConfigKeys(file, environment)).map(({ id }) => id),
    ['file'],
  );
  assert.deepEqual(
    (await loadConfigKeys(null, environment)).map(({ id }) => id),
    ['env'],
  );
  assert.deepEqual(await loadConfigKeys(null, {}), []);
  await assert.rejects(loadConfigKeys(null, { SLUICE_CONFIG_KEYS: '' }), /\$SLUICE_CONFIG_KEYS holds no key/);
  await assert.rejects(loadConfigKeys(`${file}x`, environment), { code: 'SLU_CONFIG_UNREADABLE' });
  assert.deepEqual(withoutKeys(environment), { OTHER: 'x' });
});

test('a key is told from another one of its name, without a word of its secret', () => {
  const printed = (hex: string): string[] => readConfigKeys(`a:${hex}\nb:${hex}`, 'keys').map(printOf);
  const [a = '', b = ''] = printed(HEX);
  assert.match(a, /^a:[0-9a-f]{12}$/);
  assert.equal(a.slice(2), b.slice(2), 'the name has no part in it');
  assert.notDeepEqual(printed('cd'.repeat(32)), [a, b]);
  assert.doesNotMatch(a, /abab/);
});
