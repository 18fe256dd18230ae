/** Signatures are real files; time is the test's own, where nothing is waited for. */

import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Checked, PAIR_MS, SignedDocuments } from '#src/compose/config/signed.ts';
import type { Log } from '#src/lib/log.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { mainDocument, type SourceDocument } from '#src/sources/document/pieces.ts';
import { printOf, readConfigKeys } from '#src/sources/document/signature/keys.ts';
import { formatSignature, sign } from '#src/sources/document/signature/signature.ts';
import { until } from '../../../support/gateway.ts';

const KEYS = `k1:${'ab'.repeat(32)}`;
const [KEY] = readConfigKeys(KEYS, 'test');
const PRINT = printOf(KEY as NonNullable<typeof KEY>);

function signatureOf(subject: string, revision: number, text: string): string {
  return formatSignature(sign(KEY as NonNullable<typeof KEY>, { subject, revision, text }));
}

async function rig(t: TestContext, keys: string | undefined = KEYS, keyFile: string | null = null) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-signed-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  const logged: string[] = [];
  const saved = new Map<string, SavedBudget>();
  const changes: string[] = [];
  const verified: (readonly string[] | null)[] = [];
  const clock = { ms: 0 };
  const note = (event: string): void => void logged.push(event);
  const open = async (): Promise<SignedDocuments> => {
    const signed = new SignedDocuments({
      file,
      keyFile,
      environment: keys === undefined ? {} : { SLUICE_CONFIG_KEYS: keys },
      log: { info: note, debug: note, warn: note, error: note } as unknown as Log,
      nowMs: () => clock.ms,
      sourceName: (source) => `source ${source}`,
      changed: (name) => void changes.push(name),
      verified: (prints) => void verified.push(prints),
      save: (rows) => rows.forEach((row, key) => saved.set(key, row)),
    });
    t.after(() => signed.close());
    await signed.open();
    return signed;
  };
  const write = async (revision: number, text: string): Promise<SourceDocument> => {
    await writeFile(`${file}.sig`, signatureOf('gateway.yaml', revision, text));
    return mainDocument(text, file);
  };
  return { file, logged, saved, changes, verified, clock, open, write };
}

function kindOf(checked: Checked): string {
  return checked.kind === 'sound' ? 'sound' : `${checked.kind} ${checked.problems.map(({ code }) => code).join(' ')}`;
}

test('without keys everything is sound, and nothing is kept or told', async (t) => {
  const empty = await rig(t, '');
  await assert.rejects(empty.open(), { code: 'SLU_USAGE' });
  const { file, saved, logged } = empty;
  const signed = new SignedDocuments({ file, keyFile: null, environment: {}, sourceName: () => '' } as never);
  await signed.open();
  const documents = [mainDocument('a', file)];
  const checked = await signed.first(() => documents);
  assert.ok(checked.kind === 'sound');
  assert.equal(checked.documents, documents);
  signed.confirm(checked);
  assert.deepEqual(
    [signed.isRequired, signed.status(), signed.save().size, saved.size, logged],
    [false, null, 0, 0, []],
  );
});

test('a signed main document is sound, and its revision kept for the next process', async (t) => {
  const { open, write, saved, logged, file, verified } = await rig(t);
  const signed = await open();
  const main = await write(5, 'a: 1');
  const checked = await signed.first(() => [main]);
  assert.ok(checked.kind === 'sound');
  assert.deepEqual(verified, [], 'not before it is known what an earlier process had taken');
  assert.deepEqual(checked.documents, [main]);
  assert.equal(saved.size, 0);
  signed.confirm(checked);
  assert.equal(saved.size, 1);
  // It is transferred to another thread: a buffer of its own, not one of the runtime's pool.
  for (const { bytes } of saved.values()) assert.equal(bytes.buffer.byteLength, bytes.byteLength);
  assert.deepEqual(logged, ['config_signatures']);
  assert.deepEqual([verified.splice(0), signed.prints], [[[PRINT]], [PRINT]]);
  const refused = { unsigned: 0, wrong: 0, replayed: 0 };
  const keys = { keys: ['k1'], because: '', reloads: { done: 0, failed: 0 } };
  assert.deepEqual(signed.status(), { ...keys, documents: 1, isWaiting: false, refused });

  const next = await open();
  const older = await write(4, 'a: 0');
  const begun = await next.first(() => [older]);
  assert.ok(begun.kind === 'sound', 'what an earlier process had taken is not known yet');
  for (const [key, row] of saved) assert.equal(next.recall(key, row), true);
  next.recalled();
  assert.throws(
    () => next.confirm(begun),
    (error: Error & { problems: { code: string; file: string }[] }) => {
      assert.deepEqual(
        error.problems.map(({ code, file: where }) => [code, where]),
        [['SLU1142', file]],
      );
      return true;
    },
  );
  assert.deepEqual(verified, [], 'what was put back was not');
});

test('a state that could be read only later tells what it would have refused', async (t) => {
  const { open, write, saved, logged, verified } = await rig(t);
  const first = await open();
  const main = await write(5, 'a: 1');
  const taken = await first.first(() => [main]);
  assert.ok(taken.kind === 'sound');
  first.confirm(taken);
  const rows = new Map(saved);

  const late = await open();
  const older = await write(4, 'a: 0');
  const begun = await late.first(() => [older]);
  assert.ok(begun.kind === 'sound');
  late.confirm(begun);
  for (const [key, row] of rows) late.recall(key, row);
  late.recalled();
  assert.equal(logged.at(-1), 'config_replayed');
  assert.deepEqual(verified, [[PRINT], [PRINT], null], 'and it is not to pass for verified');
  assert.equal(late.recall('budget', { format: 1, bytes: new Uint8Array(), at: '' }), false);
  assert.throws(() => late.recall('signed/1', { format: 2, bytes: new Uint8Array(), at: '' }), /format 2 is not 1/);
});

test('a half is waited for, then refused and counted once, until the pair is whole', async (t) => {
  const { open, write, file, clock } = await rig(t);
  const signed = await open();
  const main = await write(5, 'a: 1');
  const checked = await signed.first(() => [main]);
  assert.ok(checked.kind === 'sound');
  signed.confirm(checked);
  const half = [mainDocument('a: 2', file)];
  const waiting = signed.check(half);
  assert.ok(waiting.kind === 'waiting');
  assert.equal(waiting.forMs, PAIR_MS);
  clock.ms += PAIR_MS - 1;
  assert.equal(kindOf(signed.check(half)), 'waiting SLU1141');
  assert.equal(signed.status()?.isWaiting, true);
  clock.ms += 1;
  assert.equal(kindOf(signed.check(half)), 'refused SLU1141');
  assert.equal(signed.status()?.isWaiting, false, 'what is refused is waited for no more');
  assert.equal(kindOf(signed.check(half)), 'refused SLU1141');
  assert.deepEqual(signed.status()?.refused, { unsigned: 0, wrong: 1, replayed: 0 });
  assert.equal(kindOf(signed.check([main])), 'sound');
  assert.equal(signed.status()?.isWaiting, false);
});

test('what was taken and comes back older is refused at once', async (t) => {
  const { open, write } = await rig(t);
  const signed = await open();
  const main = await write(5, 'a: 1');
  const route = (revision: number): SourceDocument[] => [
    { name: 'etcd /routes/a', text: `# ${revision}`, mount: { kind: 'route', name: 'a' }, source: 1, isForeign: true },
    {
      name: 'etcd /signatures/routes/a',
      text: signatureOf('routes/a', revision, `# ${revision}`),
      mount: { kind: 'signature', of: 'routes/a' },
      source: 1,
      isForeign: true,
    },
  ];
  const checked = await signed.first(() => [main, ...route(2)]);
  assert.ok(checked.kind === 'sound');
  signed.confirm(checked);
  assert.equal(kindOf(signed.check([main, ...route(1)])), 'refused SLU1142');
  assert.equal(signed.status()?.refused.replayed, 1);
});

test('the signature of the main document is followed: another one, and none', async (t) => {
  const { open, write, changes, file } = await rig(t);
  const signed = await open();
  const main = await write(5, 'a: 1');
  await signed.first(() => [main]);
  // While it is written it is empty for a moment, which may be told as well.
  const next = await write(6, 'a: 2');
  await until('the other one is read', () => kindOf(signed.check([next])) === 'sound');
  assert.notEqual(changes.length, 0);
  const told = changes.length;
  await rm(`${file}.sig`);
  signed.reload();
  await until('it is missed', () => kindOf(signed.check([next])) === 'waiting SLU1140');
  assert.ok(changes.length > told);
});

test('a file of keys is followed, and documents are verified anew', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const keyFile = join(folder, 'keys');
  const save = async (text: string): Promise<void> => {
    await writeFile(`${keyFile}.new`, text);
    await rename(`${keyFile}.new`, keyFile);
  };
  await save(KEYS);
  const { open, write, changes, clock } = await rig(t, undefined, keyFile);
  const signed = await open();
  const main = await write(5, 'a: 1');
  assert.equal(kindOf(await signed.first(() => [main])), 'sound');
  const changed = async (count: number): Promise<void> => {
    await until(`change ${count} is told`, () => changes.length >= count);
    assert.equal(changes.at(-1), keyFile);
  };
  await save(`k2:${'cd'.repeat(32)}\n${KEYS}`);
  await changed(1);
  assert.deepEqual([kindOf(signed.check([main])), signed.status()?.keys], ['sound', ['k2', 'k1']]);
  await save(`k2:${'cd'.repeat(32)}`);
  await changed(2);
  assert.equal(kindOf(signed.check([main])), 'waiting SLU1141', 'nothing that was verified before is believed on');
  clock.ms += PAIR_MS;
  assert.equal(kindOf(signed.check([main])), 'refused SLU1141');
});

test('a key that goes during the start is no replay', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const keyFile = join(folder, 'keys');
  await writeFile(keyFile, KEYS);
  const { open, write, changes } = await rig(t, undefined, keyFile);
  const signed = await open();
  const main = await write(5, 'a: 1');
  const checked = await signed.first(() => [main]);
  assert.ok(checked.kind === 'sound');
  await writeFile(`${keyFile}.new`, `k2:${'cd'.repeat(32)}`);
  await rename(`${keyFile}.new`, keyFile);
  await until('the change is told', () => changes.length > 0);
  signed.confirm(checked);
  assert.equal(kindOf(signed.check([main])), 'waiting SLU1141', 'it is refused as what it is');
});
