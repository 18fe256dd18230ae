import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { signDingTalk, signFeishu } from '#src/export/alerts/formats/signatures.ts';

/** Computed from the published algorithms, by another program than this one. */
const SECRET = 'SECtest';

suite('signatures', () => {
  test('DingTalk’s is over time and secret, in milliseconds', () => {
    const sign = signDingTalk(SECRET, 1_700_000_000_000);
    assert.equal(encodeURIComponent(sign), 'aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g%3D');
  });

  test('Feishu’s has time and secret for its key, in seconds', () => {
    assert.equal(signFeishu(SECRET, 1_700_000_000), 'G7XpBpG8NgG02fJOAhX6FRAObIljmFoxVReo8I62pEk=');
  });
});
