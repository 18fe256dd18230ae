import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedWrite, presentOf } from '#src/sources/stores/write/writer.ts';

const failure = (cause: object): Error => new Error('etcd: it failed', { cause });

test('a write whose connection never came about is refused; any other failure is unconfirmed', () => {
  for (const cause of [
    { code: 'ECONNREFUSED', syscall: 'connect' },
    { code: 'UND_ERR_CONNECT_TIMEOUT' },
    { code: 'ENOTFOUND', syscall: 'getaddrinfo' },
    { code: 'CERT_HAS_EXPIRED' },
  ]) {
    assert.deepEqual(failedWrite(failure(cause)), { kind: 'refused', because: 'etcd: it failed' });
  }
  for (const cause of [{ code: 'ECONNRESET', syscall: 'read' }, { code: 'UND_ERR_SOCKET' }, new Error('aborted'), {}]) {
    assert.equal(failedWrite(failure(cause)).kind, 'unconfirmed');
  }
  assert.deepEqual(failedWrite('odd'), { kind: 'unconfirmed', because: 'odd' });
});

test('what is there after a conflict is read, or not known', async () => {
  const kept = { text: 'x', revision: '7' };
  assert.equal(await presentOf(() => Promise.resolve(kept)), kept);
  assert.equal(await presentOf(() => Promise.reject(new Error('away'))), null);
});
