import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchReport, sendDrain, sendReload } from '#src/cli/admin/ask/process-client.ts';
import { adminFor, TOKEN } from '../../../../support/readings/admin.ts';

test('what a server can do nothing of is a refusal with its status', { timeout: 120_000 }, async (context) => {
  const url = await adminFor(context);
  for (const send of [sendReload, sendDrain, fetchReport]) {
    assert.equal((await send(url, TOKEN))['status' as never], 404, send.name);
    assert.equal((await send(url, undefined))['status' as never], 401, send.name);
    await assert.rejects(send('http://127.0.0.1:1', TOKEN));
  }
});
