import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configCommand } from '#src/cli/config/command.ts';
import type { SigningTools } from '#src/cli/config/signatures.ts';
import { recordedDeps } from '../../../support/cli.ts';

const PROBLEM = { code: 'SLU1141', file: 'a.yaml', line: 0, column: 0, path: '', expected: 'x', got: 'y', hint: '' };

async function run(...args: string[]) {
  const asked: unknown[] = [];
  const { deps } = recordedDeps();
  const signing: SigningTools = {
    hasKeys: async () => true,
    sign: async (question) => {
      asked.push(question);
      return { subject: 'routes/a', signatureFile: 'a.yaml.sig', keyId: 'k1', revision: 7 };
    },
    verify: async (question) => {
      asked.push(question);
      const isGood = question.file === 'a.yaml';
      const signature = isGood ? { keyId: 'k1', revision: 7 } : null;
      return { subject: 'routes/a', signatureFile: 'a.yaml.sig', signature, problems: isGood ? [] : [PROBLEM] };
    },
  };
  const told = { out: '', err: '' };
  const io = { stdout: (text: string) => void (told.out += text), stderr: (text: string) => void (told.err += text) };
  const code = await configCommand(args, io, { ...(await deps.config()), signing });
  return { code, asked, ...told };
}

test('sign passes on what was said, and says what it did', async () => {
  const plain = await run('sign', 'a.yaml');
  assert.deepEqual(plain.asked, [
    { file: 'a.yaml', subject: null, signatureFile: null, keyFile: null, keyId: null, revision: null },
  ]);
  assert.deepEqual([plain.code, plain.out], [0, 'a.yaml: signed as routes/a, revision 7, key k1: a.yaml.sig\n']);
  const words = ['--name', 'routes/a', '--revision', '9', '--key', 'k2', '--config-key-file', 'f', '--signature', 's'];
  const { asked, out } = await run('sign', 'a.yaml', ...words, '-o', 'json');
  assert.deepEqual(asked, [
    { file: 'a.yaml', subject: 'routes/a', signatureFile: 's', keyFile: 'f', keyId: 'k2', revision: 9 },
  ]);
  assert.deepEqual(JSON.parse(out), {
    file: 'a.yaml',
    name: 'routes/a',
    revision: 7,
    keyId: 'k1',
    signature: 'a.yaml.sig',
  });
});

test('verify says whether the signature is good, and exits with 1 when it is not', async () => {
  const good = await run('verify', 'a.yaml', '--name', 'routes/a');
  assert.deepEqual([good.code, good.out], [0, 'a.yaml: signed as routes/a, revision 7, key k1\n']);
  const bad = await run('verify', 'b.yaml');
  assert.deepEqual([bad.code, bad.out], [1, 'a.yaml:0:0: SLU1141 expected x, got y\n']);
  const json = await run('verify', 'b.yaml', '-o', 'json');
  const facts = { file: 'b.yaml', ok: false, name: 'routes/a', revision: null, keyId: null, problems: [PROBLEM] };
  assert.deepEqual([json.code, JSON.parse(json.out)], [1, facts]);
});

test('what is not understood is said', async () => {
  for (const [args, message] of [
    [['sign'], /sign takes a file/],
    [['verify'], /verify takes a file/],
    [['sign', 'a', '--revision', '0'], /--revision takes a whole number from 1, got 0/],
    [['sign', 'a', '--revision', '9007199254740992'], /whole number/],
    [['sign', 'a', '--name', '/sluice/routes/a'], /--name is what the key is called after the prefix/],
    [['sign', 'a', '--name', 'a\nb'], /--name is/],
  ] as const) {
    const { code, err, asked } = await run(...args);
    assert.deepEqual([code, asked], [2, []]);
    assert.match(err, message);
  }
});
