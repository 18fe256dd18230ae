import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createSigning } from '#src/compose/config/signing.ts';

const ENVIRONMENT = { SLUICE_CONFIG_KEYS: `k1:${'ab'.repeat(32)}\nk2:${'cd'.repeat(32)}` };
const NOBODY = { subject: null, keyFile: null, signatureFile: null };
const FREELY = { ...NOBODY, keyId: null, revision: null };

async function rig(t: TestContext, nowS = 1000) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-signing-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'shop.yaml');
  await writeFile(file, 'a: 1\n');
  return { file, folder, ...createSigning(ENVIRONMENT, () => nowS) };
}

test('a document is signed with the first key at the time of day, and verified', async (t) => {
  const { file, sign, verify } = await rig(t);
  const answer = await sign({ ...FREELY, file });
  const { signature } = answer;
  const facts = { keyId: 'k1', revision: 1000, signature };
  assert.deepEqual(answer, { ...facts, subject: 'shop.yaml', signatureFile: `${file}.sig` });
  assert.deepEqual(JSON.parse(await readFile(`${file}.sig`, 'utf8')), facts);
  const good = { subject: 'shop.yaml', signatureFile: `${file}.sig`, signature: facts, problems: [] };
  assert.deepEqual(await verify({ ...NOBODY, file }), good);
  await writeFile(file, 'a: 2\n');
  const bad = await verify({ ...NOBODY, file });
  assert.deepEqual(
    [bad.signature, bad.problems.map(({ code, file: where }) => [code, where])],
    [null, [['SLU1141', file]]],
  );
});

test('a revision rises above that of the signature that is there, or is as one says', async (t) => {
  const { file, sign } = await rig(t);
  const revisions: number[] = [];
  for (const revision of [null, null, 7, null, 5000, null]) {
    revisions.push((await sign({ ...FREELY, file, revision })).revision);
  }
  assert.deepEqual(revisions, [1000, 1001, 7, 1000, 5000, 5001]);
});

test('a name, a key and a place of the signature may be given', async (t) => {
  const { file, folder, sign, verify } = await rig(t);
  const keyFile = join(folder, 'keys');
  await writeFile(keyFile, `k3:${'ef'.repeat(32)}`);
  const signatureFile = join(folder, 'x.sig');
  const asked = { file, subject: 'routes/shop', keyFile, signatureFile };
  const { keyId } = await sign({ ...asked, keyId: 'k3', revision: null });
  assert.equal(keyId, 'k3');
  assert.deepEqual((await verify(asked)).problems, []);
  assert.equal((await verify({ ...asked, subject: 'routes/ship' })).problems[0]?.code, 'SLU1141');
  assert.match((await verify({ ...asked, keyFile: null })).problems[0]?.hint ?? '', /^its keys are k1, k2$/);
  assert.equal((await verify({ ...asked, signatureFile: null })).problems[0]?.code, 'SLU1140');
});

test('what cannot be signed is told, and nothing is replaced that is no signature', async (t) => {
  const { file, folder, sign, hasKeys } = await rig(t);
  const usage = (message: RegExp) => ({ code: 'SLU_USAGE', message });
  await assert.rejects(sign({ ...FREELY, file, keyId: 'k9' }), usage(/^there is no key k9; there are k1, k2$/));
  await assert.rejects(sign({ ...FREELY, file, revision: 0 }), usage(/whole number from 1, got 0/));
  await assert.rejects(
    sign({ ...FREELY, file, signatureFile: file }),
    usage(/shop\.yaml is there and is no signature/),
  );
  await assert.rejects(sign({ ...FREELY, file: join(folder, 'none') }), { code: 'SLU_CONFIG_UNREADABLE' });
  await assert.rejects(sign({ ...FREELY, file, signatureFile: folder }), { code: 'SLU_CONFIG_UNREADABLE' });
  assert.equal(await readFile(file, 'utf8'), 'a: 1\n');
  assert.equal(await hasKeys(null), true);
  const without = createSigning({}, () => 1);
  assert.equal(await without.hasKeys(null), false);
  await assert.rejects(without.sign({ ...FREELY, file }), usage(/--config-key-file, or set SLUICE_CONFIG_KEYS/));
});
