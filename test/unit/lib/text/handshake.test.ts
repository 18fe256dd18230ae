import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Failure, handshakeWords, isUnbelieved } from '#src/lib/text/handshake.ts';

const FIELDS = { ca: 'tls.ca', cert: 'tls.cert', serverName: 'tls.serverName' };
const NO_FIELDS = { ca: 'jwks.ca', cert: null, serverName: null };

function said(code: string, reason?: string, fields: Parameters<typeof handshakeWords>[1] = FIELDS): string | null {
  const failure = Object.assign(new Error('words of Node'), { code }, reason === undefined ? {} : { reason });
  return handshakeWords(failure, fields);
}

test('what is wrong with a certificate is said with the field, or the side, that helps', () => {
  assert.equal(
    said('SELF_SIGNED_CERT_IN_CHAIN'),
    'the server’s certificate is of an unknown authority (SELF_SIGNED_CERT_IN_CHAIN); tls.ca names its file',
  );
  const name = 'the server’s certificate has another name';
  assert.equal(said('ERR_TLS_CERT_ALTNAME_INVALID', 'why'), `${name}; tls.serverName says which it must have: why`);
  assert.equal(said('ERR_TLS_CERT_ALTNAME_INVALID', 'why', NO_FIELDS), `${name}; ask for it by one that it has: why`);
  assert.match(said('CERT_HAS_EXPIRED') ?? '', /^the server’s certificate has expired; renew it there/);
  assert.match(said('CERT_NOT_YET_VALID') ?? '', /^the server’s certificate is not valid yet; set the clock here/);
  assert.match(said('INVALID_PURPOSE') ?? '', /^the server’s certificate is none for servers; make it anew there/);
  const chain = 'the server’s certificate or its chain is not one to believe (INVALID_CA); make it anew there';
  assert.equal(said('INVALID_CA'), chain);
});

test('what the server says against its client is said, and asked about where the client has a certificate', () => {
  const required = 'tlsv13 alert certificate required';
  const asked = 'the server says tlsv13 alert certificate required: does it know the certificate of tls.cert?';
  assert.equal(said('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', required), asked);
  assert.equal(said('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', required, NO_FIELDS), `the server says ${required}`);
  const version = 'tlsv1 alert protocol version';
  assert.equal(said('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', version), `the server says ${version}`);
  assert.equal(said('ERR_SSL_NO_CIPHERS_AVAILABLE', 'no ciphers available'), 'no ciphers available');
  assert.match(said('ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number') ?? '', /is this a port for TLS\?$/);
});

test('what is not of TLS is left to others; only where no certificate was believed is it certain that nothing was sent', () => {
  for (const code of ['', 'ECONNRESET', 'UND_ERR_SOCKET'])
    assert.deepEqual([said(code), isUnbelieved(code)], [null, false]);
  assert.equal(handshakeWords(new DOMException('aborted', 'AbortError') as unknown as Failure, FIELDS), null);
  assert.equal(isUnbelieved('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), false);
  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'INVALID_CA',
  ]) {
    assert.equal(isUnbelieved(code), true);
  }
});
