/** Files are real; what is told of them is waited for. */

import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigKeys } from '#src/compose/config/config-keys.ts';
import { until } from '../../../support/gateway.ts';

const lineOf = (id: string, byte = 'ab'): string => `${id}:${byte.repeat(32)}\n`;

async function rig(t: TestContext, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'keys');
  const save = async (content: string): Promise<void> => {
    await writeFile(`${file}.new`, content);
    await rename(`${file}.new`, file);
  };
  await save(text);
  const told: { readonly event: string; readonly fields: unknown }[] = [];
  const note = (event: string, fields: unknown): void => void told.push({ event, fields });
  const keys = new ConfigKeys({
    file,
    environment: {},
    log: { info: note, warn: note, error: note },
    changed: (name) => note('changed', name),
  });
  t.after(() => keys.close());
  const events = (): string[] => told.map(({ event }) => event);
  return { file, save, keys, told, events, ids: () => keys.list.map(({ id }) => id) };
}

test('a file without keys is not begun with, and not followed', async (t) => {
  const { keys, file, save, told } = await rig(t, '# none\n');
  await assert.rejects(keys.open(), { code: 'SLU_USAGE' });
  await save(lineOf('k1'));
  keys.reload();
  assert.deepEqual([keys.list, told], [[], []]);
  await rm(file);
  await assert.rejects(keys.open(), { code: 'SLU_CONFIG_UNREADABLE' });
});

test('what is put in the place of the keys counts, as long as it is keys', { timeout: 240_000 }, async (t) => {
  const { keys, save, file, events, told, ids } = await rig(t, lineOf('k1'));
  await keys.open();
  assert.deepEqual([ids(), keys.because], [['k1'], '']);

  await save(lineOf('k2') + lineOf('k1'));
  await until('the new key counts', () => keys.list.length === 2);
  assert.deepEqual([ids(), events(), keys.reloads], [['k2', 'k1'], ['config_keys', 'changed'], { done: 1, failed: 0 }]);

  for (const wrong of ['', `${lineOf('k2')}k1:short\n`, lineOf('k2').repeat(17)]) {
    const { failed } = keys.reloads;
    await save(wrong);
    await until('it is refused', () => keys.reloads.failed > failed);
    assert.deepEqual([ids(), events().at(-1)], [['k2', 'k1'], 'config_keys_refused']);
    assert.notEqual(keys.because, '');
  }
  await rm(file);
  await until('it is missed', () => /no such file/.test(keys.because));
  assert.deepEqual([ids(), keys.reloads], [['k2', 'k1'], { done: 1, failed: 4 }]);
  assert.doesNotMatch(JSON.stringify(told), /abab|short/);

  // The same keys as those that were kept: nothing is another, but that they can be used.
  await save(`# again\n${lineOf('k2')}${lineOf('k1')}`);
  await until('they can be used', () => keys.because === '');
  assert.deepEqual(keys.reloads, { done: 1, failed: 4 });

  await save(lineOf('k2', 'cd') + lineOf('k1'));
  await until('another secret of the same name counts', () => keys.reloads.done === 2);
  assert.equal(keys.list[0]?.secret[0], 0xcd);
});

test('keys of the environment stay', async () => {
  const environment = { SLUICE_CONFIG_KEYS: lineOf('k1') };
  const keys = new ConfigKeys({ file: null, environment, log: {} as never, changed: assert.fail });
  await keys.open();
  environment.SLUICE_CONFIG_KEYS = '';
  keys.reload();
  assert.deepEqual([keys.list.length, keys.because], [1, '']);
  keys.close();
});
