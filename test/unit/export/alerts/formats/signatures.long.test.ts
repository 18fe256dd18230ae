import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { signWebhook } from '#src/export/alerts/formats/signatures.ts';

test('a webhook’s is over time and body, as openssl makes it', () => {
  const body = '{"version":"4"}';
  const args = ['dgst', '-sha256', '-hmac', 'SECtest', '-r'];
  const { stdout } = spawnSync('openssl', args, { input: `1700000000.${body}`, encoding: 'utf8' });
  assert.equal(signWebhook('SECtest', 1_700_000_000, body), `sha256=${stdout.split(' ')[0]}`);
});
