import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openHttp } from '#src/sources/stores/http.ts';
import { startFake } from '../../../support/stores/fake.ts';

const never = new AbortController().signal;

async function rig(t: TestContext, page: { text: string; etag?: string; status?: number }) {
  const { url, asked } = await startFake(t, ({ headers }, response) => {
    const isKnown = page.etag !== undefined && headers['if-none-match'] === page.etag;
    const head = { ...(page.etag === undefined ? {} : { etag: page.etag }), location: '/elsewhere' };
    response.writeHead(isKnown ? 304 : (page.status ?? 200), head).end(isKnown ? '' : page.text);
  });
  const settings = { kind: 'http', url: `${url}/sluice.yaml?v=1`, token: 'geheim', intervalMs: 10, tls: null } as const;
  const store = openHttp(settings, () => 0.5);
  t.after(() => store.close());
  const watch = async (revision: string) => store.watch(revision, never, () => undefined);
  return { store, asked, watch, url };
}

test('a document is taken whole, and asked for with its validator', async (t) => {
  const { store, asked, watch, url } = await rig(t, { text: 'a: 1', etag: '"x"' });
  const { pieces, revision } = await store.list(never);
  assert.deepEqual(pieces, [
    { name: `http ${url}/sluice.yaml`, mount: { kind: 'root', file: 'sluice.yaml' }, text: 'a: 1' },
  ]);
  assert.deepEqual(await watch(revision), { kind: 'same' });
  assert.deepEqual(
    asked.map(({ url: path, headers }) => [path, headers['if-none-match'], headers.authorization]),
    [
      ['/sluice.yaml?v=1', undefined, 'Bearer geheim'],
      ['/sluice.yaml?v=1', '"x"', 'Bearer geheim'],
    ],
  );
});

test('a validator that stays the same over a change hides it for thirty polls at most', async (t) => {
  const page = { text: 'a: 1', etag: '"x"' };
  const { store, watch, asked } = await rig(t, page);
  const { revision } = await store.list(never);
  page.text = 'a: 2';
  let word = await watch(revision);
  for (let polls = 1; word.kind === 'same' && polls < 30; polls++) word = await watch(revision);
  assert.ok(word.kind === 'listing');
  assert.equal(word.listing.pieces[0]?.text, 'a: 2');
  assert.equal(asked.filter(({ headers }) => headers['if-none-match'] === undefined).length, 2);
});

test('a change comes with the document itself', async (t) => {
  const page = { text: 'a: 1', etag: '"x"' };
  const { store, watch } = await rig(t, page);
  const { revision } = await store.list(never);
  Object.assign(page, { text: 'a: 2', etag: '"y"' });
  const word = await watch(revision);
  assert.ok(word.kind === 'listing');
  assert.equal(word.listing.pieces[0]?.text, 'a: 2');
  assert.notEqual(word.listing.revision, revision);
});

test('without a validator the text decides', async (t) => {
  const { store, watch } = await rig(t, { text: 'a: 1' });
  assert.deepEqual(await watch((await store.list(never)).revision), { kind: 'same' });
});

test('a redirect is not followed, and told with where it leads', async (t) => {
  const { store } = await rig(t, { text: '', status: 302 });
  await assert.rejects(store.list(never), { code: 'SLU_SOURCE_UNAVAILABLE', message: /status 302: \/elsewhere$/ });
});

test('a redirect is told without its query, and without a password', async (t) => {
  for (const [location, told] of [
    ['https://user:geheim@config.test/c.yaml?sig=geheim#geheim', /status 301: https:\/\/config\.test\/c\.yaml$/],
    ['/c.yaml?sig=geheim', /status 301: \/c\.yaml$/],
    ['https://[', /status 301$/],
  ] as const) {
    const { url } = await startFake(t, (_asked, response) => {
      response.writeHead(301, { location }).end();
    });
    const settings = { kind: 'http', url: `${url}/c.yaml?sig=geheim`, token: null, intervalMs: 10, tls: null } as const;
    const store = openHttp(settings, () => 0.5);
    t.after(() => store.close());
    await assert.rejects(store.list(never), { code: 'SLU_SOURCE_UNAVAILABLE', message: told });
  }
});

test('a 304 that was not asked for is a failure', async (t) => {
  const { store } = await rig(t, { text: '', status: 304 });
  await assert.rejects(store.list(never), /status 304/);
});

test('the signature beside a document is asked for where it is wanted, with a validator of its own', async (t) => {
  const texts = new Map([
    ['/c/x.yaml?v=1', 'a: 1'],
    ['/c/x.yaml.sig?v=1', 's1'],
  ]);
  const { url, asked } = await startFake(t, ({ url: path, headers }, response) => {
    const text = texts.get(path);
    const isKnown = headers['if-none-match'] === `"${text}"`;
    response.writeHead(text === undefined ? 404 : isKnown ? 304 : 200, { etag: `"${text}"` });
    response.end(isKnown ? '' : text);
  });
  const settings = { kind: 'http', url: `${url}/c/x.yaml?v=1`, token: null, intervalMs: 10, tls: null } as const;
  const store = openHttp(settings, () => 0.5, true);
  t.after(() => store.close());
  const watch = async (revision: string) => store.watch(revision, never, () => undefined);
  const { pieces, revision } = await store.list(never);
  assert.deepEqual(pieces, [
    { name: `http ${url}/c/x.yaml`, mount: { kind: 'root', file: 'x.yaml' }, text: 'a: 1' },
    { name: `http ${url}/c/x.yaml.sig`, mount: { kind: 'signature', of: 'x.yaml' }, text: 's1' },
  ]);
  assert.deepEqual(await watch(revision), { kind: 'same' });
  assert.deepEqual(
    asked.map(({ headers }) => headers['if-none-match']),
    [undefined, undefined, '"a: 1"', '"s1"'],
  );
  texts.set('/c/x.yaml.sig?v=1', 's2');
  const word = await watch(revision);
  assert.ok(word.kind === 'listing');
  assert.deepEqual(
    word.listing.pieces.map(({ text }) => text),
    ['a: 1', 's2'],
  );
  texts.delete('/c/x.yaml.sig?v=1');
  const without = await watch(word.listing.revision);
  assert.equal(without.kind === 'listing' && without.listing.pieces.length, 1);
  texts.delete('/c/x.yaml?v=1');
  await assert.rejects(watch(''), /status 404/);
});
