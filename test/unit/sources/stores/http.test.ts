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
  assert.deepEqual(pieces, [{ name: `http ${url}/sluice.yaml`, mount: { kind: 'root' }, text: 'a: 1' }]);
  assert.deepEqual(await watch(revision), { kind: 'same' });
  assert.deepEqual(
    asked.map(({ url: path, headers }) => [path, headers['if-none-match'], headers.authorization]),
    [
      ['/sluice.yaml?v=1', undefined, 'Bearer geheim'],
      ['/sluice.yaml?v=1', '"x"', 'Bearer geheim'],
    ],
  );
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

test('a 304 that was not asked for is a failure', async (t) => {
  const { store } = await rig(t, { text: '', status: 304 });
  await assert.rejects(store.list(never), /status 304/);
});
