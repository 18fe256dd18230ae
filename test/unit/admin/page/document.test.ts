import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readAssets } from '#src/admin/page/assets.ts';
import { documentReply, POLICY } from '#src/admin/page/document.ts';
import { sampleBoard } from '../../../support/readings/board.ts';

suite('document', () => {
  test('the policy lets nothing in that is inline or from elsewhere', () => {
    const { headers } = documentReply(sampleBoard(), [], '');
    assert.equal(headers?.['content-security-policy'], POLICY);
    assert.doesNotMatch(POLICY, /unsafe|\*|https?:|data:/);
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "form-action 'none'",
    ]) {
      assert.ok(POLICY.includes(directive), directive);
    }
  });

  test('everything that it names is served here', async () => {
    const { body } = documentReply(sampleBoard(), [], '');
    const assets = await readAssets();
    const named = [...body.matchAll(/(?:src|href)="(\/(?:page|favicon)[^"]*)"/g)].map(([, path = '']) => path);
    assert.equal(named.length, 4);
    for (const path of named) assert.ok(assets.has(path), path);
    assert.equal(body.match(/<script/g)?.length, 1, 'one script, by its address');
  });
});
