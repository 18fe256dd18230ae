import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkDocument } from '#src/cli/check/document.ts';
import type { ConfigTools } from '#src/cli/config/command.ts';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import { SluiceError } from '#src/model/problem.ts';
import { SOUND, SOUND_SEVERAL } from '../../../support/config.ts';

const check = (text: string, changes: Partial<ConfigTools> = {}) =>
  checkDocument('a.yaml', { ...createConfigTools({}), readText: () => Promise.resolve(text), ...changes });
const statesOf = async (text: string, changes: Partial<ConfigTools> = {}) =>
  (await check(text, changes)).checks.map(({ state }) => state);

suite('checks of a document', () => {
  test('a sound one passes, and is handed on', async () => {
    const { checks, config } = await check(`${SOUND}adminToken: sixteen-visible-characters\n`);
    assert.deepEqual([checks[0]?.state, checks[0]?.group], ['pass', 'config']);
    assert.match(checks[0]?.sentence ?? '', /^a\.yaml is sound: \d+ routes, \d+ services$/);
    assert.ok(config !== null);
  });

  test('every problem fails with its place and its page, up to ten of them', async () => {
    const { checks, config } = await check('routes: 7\n');
    assert.equal(config, null);
    assert.ok(checks.every(({ state, hint }) => state === 'fail' && /^docs\/problems\.md has SLU\d+$/.test(hint)));
    const problem = { code: 'SLU1012', file: 'a', line: 3, column: 5, path: 'x', expected: 'y', got: 'z', hint: '' };
    const many = { parse: () => ({ ok: false as const, problems: Array.from({ length: 12 }, () => problem) }) };
    assert.match((await check('', many)).checks.at(-1)?.sentence ?? '', /^and 2 more problems$/);
  });

  test('one that cannot be read fails; one whose routes are elsewhere is told as that', async () => {
    const readText = () => Promise.reject(new SluiceError('SLU_CONFIG_UNREADABLE', 'there is no a.yaml'));
    assert.deepEqual(await statesOf('', { readText }), ['fail']);
    const sources = () => ({ names: ['consul x'], problems: [] });
    assert.deepEqual(await statesOf('', { sources }), ['pass', 'warn']);
  });

  test('where there are keys the signature counts', async () => {
    const signing = createConfigTools({}).signing;
    const answer = { subject: 'a', signatureFile: 'a.sig', signature: { keyId: 'k', revision: 3 }, problems: [] };
    const good = { ...signing, hasKeys: async () => true, verify: async () => answer };
    assert.match((await check(SOUND, { signing: good })).checks[0]?.sentence ?? '', /signed by key k, revision 3/);
    const problem = { code: 'SLU1', file: 'a', line: 0, column: 0, path: '', expected: 'a', got: 'b', hint: '' };
    const bad = { ...good, verify: async () => ({ ...answer, signature: null, problems: [problem] }) };
    assert.equal((await check(SOUND, { signing: bad })).checks[0]?.state, 'fail');
  });

  test('a route that the rollout of another one moves is judged', async () => {
    const { checks } = await check(SOUND_SEVERAL);
    assert.ok(checks.every(({ sentence }) => !sentence.includes('no rollout')));
  });

  test('a split that nobody judges, and a gateway without a token, are worth knowing', async () => {
    const { checks } = await check(SOUND);
    assert.ok(checks.some(({ state, sentence }) => state === 'warn' && sentence.startsWith('no adminToken')));
  });
});
