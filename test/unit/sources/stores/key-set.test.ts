/** Key sets and secrets are read: public keys alone, bounded, and never shown. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { KEYS_MAX, nameOfSecret, openKeySet, publicKeysOf, readSecret } from '#src/sources/stores/key-set.ts';
import { authorityOf } from '../../../support/http/certificates.ts';
import { keyOf, keySetOf } from '../../../support/http/tokens.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { startFake } from '../../../support/stores/fake.ts';

const KEY = keyOf('k');
const SET = keySetOf(KEY);
const never = new AbortController().signal;

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'keys'), text);
  return join(folder, 'keys');
}

test('a key set is read from the document, a file and a URL', async (t) => {
  const { url } = await startFake(t, (_, response) => response.end(SET));
  for (const origin of [
    { kind: 'inline', text: SET },
    { kind: 'file', path: fileOf(t, SET) },
    { kind: 'url', url: `${url}/keys?a=1`, intervalMs: 1 },
  ] as const) {
    const reader = openKeySet(origin);
    assert.equal(await reader.read(never), SET, origin.kind);
    reader.close();
  }
});

test('a server whose authority nobody knows is believed by its file, which is read at each look', async (t) => {
  const [authority, stranger] = [authorityOf(t), authorityOf(t, 'stranger')];
  const { pem } = authority.issue('id', { names: 'IP:127.0.0.1' });
  const server = createServer({ cert: pem.cert, key: pem.key }, (_, response) => response.end(SET));
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const ca = fileOf(t, readFileSync(stranger.ca, 'utf8'));
  const read = (more: { readonly ca?: string }): Promise<string> =>
    openKeySet({ kind: 'url', url: `https://127.0.0.1:${port}/keys`, intervalMs: 1, ...more }).read(never);
  await assert.rejects(read({}), /127\.0\.0\.1.*unknown authority .*; color\.jwt\.jwks\.ca names its file$/);
  await assert.rejects(read({ ca: `${ca}-none` }), /cannot read .*-none/);
  const reader = openKeySet({ kind: 'url', url: `https://127.0.0.1:${port}/keys`, intervalMs: 1, ca });
  await assert.rejects(reader.read(never), /127\.0\.0\.1/);
  writeFileSync(ca, readFileSync(authority.ca));
  assert.equal(await reader.read(never), SET);
});

test('a URL that answers badly is a failure with its name', async (t) => {
  const answers: [number, string][] = [
    [302, ''],
    [500, 'no'],
    [200, 'no'],
    [200, 'x'.repeat(300_000)],
  ];
  const { url } = await startFake(t, (_, response) => {
    const [status, text] = answers.shift() as [number, string];
    response.writeHead(status).end(text);
  });
  const reader = openKeySet({ kind: 'url', url: `${url}/keys?secret=1`, intervalMs: 1 });
  t.after(() => reader.close());
  for (const why of [/status 302/, /status 500: no/, /no JSON Web Key Set/, /more than 262144 bytes/]) {
    await assert.rejects(
      reader.read(never),
      (error: Error) => why.test(error.message) && !/secret/.test(error.message),
    );
  }
  assert.match(reader.name, /^key set http:\/\/127\.0\.0\.1:\d+\/keys$/);
});

test('of a key set only public keys that can sign are taken, and so many', () => {
  const privateKey = { ...KEY.privateKey.export({ format: 'jwk' }), kid: 'p' };
  const [key] = (JSON.parse(SET) as { keys: unknown[] }).keys;
  const mixed = JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA' }, privateKey, key, null, 1, [], {}] });
  assert.equal(publicKeysOf(mixed, 'x'), SET);
  const many = JSON.stringify({ keys: Array.from({ length: 100 }, () => key) });
  assert.equal((JSON.parse(publicKeysOf(many, 'x')) as { keys: unknown[] }).keys.length, KEYS_MAX);
  for (const text of ['', '[]', 'null', '{"keys": {}}', '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AAAA"}]}']) {
    assert.throws(() => publicKeysOf(text, 'the set'), /^SluiceError: the set: no JSON Web Key Set/);
  }
});

test('a secret comes from a file or the environment, and has to be long enough', async (t) => {
  const secret = 's'.repeat(32);
  assert.equal(await readSecret({ kind: 'file', path: fileOf(t, `${secret}\n`) }, {}), secret);
  assert.equal(await readSecret({ kind: 'variable', name: 'KEY' }, { KEY: secret }), secret);
  const short = 'topsecret';
  for (const [origin, why] of [
    [{ kind: 'variable', name: 'KEY' }, /\$KEY is shorter than 32 bytes/],
    [{ kind: 'variable', name: 'NONE' }, /\$NONE is not set or empty/],
    [{ kind: 'file', path: fileOf(t, short) }, /shorter than 32 bytes/],
    [{ kind: 'file', path: '/does/not/exist' }, /no such file/],
  ] as const) {
    await assert.rejects(readSecret(origin, { KEY: short }), (error: Error) => {
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /topsecret/);
      return true;
    });
  }
  assert.equal(nameOfSecret({ kind: 'file', path: 'a' }), 'color key a');
});
