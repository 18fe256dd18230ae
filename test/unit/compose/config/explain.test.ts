import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainDocuments, type InForce, SettingExplainer } from '#src/compose/config/explain.ts';
import type { VersionWeights } from '#src/model/status.ts';
import { mainDocument } from '#src/sources/document/pieces.ts';
import { IN_PLACE_CHARS_MAX } from '#src/sources/parser.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

const TEXT = `sources: [{http: {url: "https://c.test/x.yaml?sig=geheim", token: geheim}}]
services: {shop: {versions: {v1: {endpoints: ["\${HOST}:1"]}}}}
routes:
  - name: shop
    backendRefs: [{name: shop}]
    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Api-Key, value: geheim}]}}]
`;
const VERSION: VersionWeights = {
  service: 'shop',
  version: 'v1',
  weight: 0,
  weightBecause: 'rolled back',
  weightConfigured: 1,
  weightFrom: 'route',
  weightOfRoute: 1,
};
const IN_FORCE: InForce = {
  revisions: { ...sampleStatus().revisions, difference: 'pinned to revision 3' },
  hash: 'abc',
  versionsOf: (route) => (route === 'shop' ? [VERSION] : []),
};

function documentsOf(text = TEXT) {
  return [mainDocument(text, 'gateway.yaml')];
}

test('secrets are redacted wherever the path leads, and variables are replaced', () => {
  const explain = (path: string): unknown => {
    const answer = explainDocuments({ documents: documentsOf(), environment: { HOST: '127.0.0.1' }, path });
    assert.ok(answer.kind === 'done', path);
    return answer.setting.value;
  };
  for (const path of ['sources', 'sources[0].http', 'sources[0].http.url', 'sources[0].http.token', 'shop.filters']) {
    assert.doesNotMatch(JSON.stringify(explain(path)), /geheim/, path);
  }
  assert.equal(explain('shop.filters[0].requestHeaderModifier.set[0].value'), '[redacted]');
  assert.equal(explain('sources[0].http.url'), 'https://c.test/x.yaml?[redacted]');
  assert.equal(explain('services.shop.versions.v1.endpoints[0]'), '127.0.0.1:1');
});

describe('a running gateway', { timeout: 240_000 }, () => {
  test('tells the revision, the weights of the route, and when something else is in force', async () => {
    const explainer = new SettingExplainer({ HOST: '127.0.0.1' });
    const answer = await explainer.explain(documentsOf(), 'shop.backendRefs', () => IN_FORCE);
    assert.ok(answer.kind === 'done');
    const { number, hash, versions, difference } = answer.setting;
    assert.deepEqual([number, hash, versions, difference], [12, 'abc', [VERSION], '']);
    const pin = { from: 'a', to: 3, hash: 'b', at: '', by: 'api', reason: '' };
    const pinned: InForce = { ...IN_FORCE, revisions: { ...IN_FORCE.revisions, pin } };
    const other = await explainer.explain(documentsOf(), 'drain', () => pinned);
    assert.ok(other.kind === 'done');
    assert.deepEqual([other.setting.difference, other.setting.versions], ['pinned to revision 3', []]);
    assert.equal((await explainer.explain(documentsOf(), 'nothing', () => IN_FORCE)).kind, 'refused');
  });

  test('explains large documents in a thread, one question at a time', async () => {
    const explainer = new SettingExplainer({ HOST: '127.0.0.1' });
    const large = documentsOf(`# ${'x'.repeat(IN_PLACE_CHARS_MAX)}\n${TEXT}`);
    const [first, second] = await Promise.all([
      explainer.explain(large, 'shop', () => IN_FORCE),
      explainer.explain(large, 'shop', () => IN_FORCE),
    ]);
    assert.ok(first.kind === 'done');
    assert.deepEqual([first.setting.route, first.setting.place?.line], ['shop', 5]);
    assert.deepEqual(second, { kind: 'refused', detail: 'another question is being answered; ask again' });
    assert.equal((await explainer.explain(large, 'shop', () => IN_FORCE)).kind, 'done');
  });
});
