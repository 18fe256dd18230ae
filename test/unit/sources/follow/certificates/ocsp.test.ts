/** OCSP responses say good for one certificate and one time, or are refused with a reason. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { staleness, stapleOf } from '#src/sources/follow/certificates/ocsp.ts';

/**
 * Made by `openssl ocsp` 3 for the serial number below: the responder by name and with a nonce; revoked; the responder by key
 * with its certificate and without an end; unknown.
 */
const GOOD =
  'MIIBKwoBAKCCASQwggEgBgkrBgEFBQcwAQEEggERMIIBDTCBtKEPMA0xCzAJBgNVBAMMAmNhGA8yMDI2MTEyMjA5MDgxOFowazBpMEEwCQYFKw4DAhoFAAQUEQSM0gyzWSMH0Bn9CIlWK2LTZJIEFLEpli3IfxSADrMwRbdt5EGTcVUnAggAwP/uEjRWeIAAGA8yMDI2MTEyMjA5MDgxOFqgERgPMjAyNjExMjkwOTA4MThaoSMwITAfBgkrBgEFBQcwAQIEEgQQzJm72YQbdFqpP3QvSAhHWDAKBggqhkjOPQQDAgNIADBFAiEAiEh+d4VD5K1rd53eP6uUoWQtMSBRxZm2lADxuIxMWXUCICA83s6kVYEMVW3IGIG3XpvRMi3gY0Vx4/oNQ2m+iLYa';
const REVOKED =
  'MIIBQQoBAKCCATowggE2BgkrBgEFBQcwAQEEggEnMIIBIzCBy6EPMA0xCzAJBgNVBAMMAmNhGA8yMDI2MTEyMjA5MDgxOFowgYEwfzBBMAkGBSsOAwIaBQAEFBEEjNIMs1kjB9AZ/QiJViti02SSBBSxKZYtyH8UgA6zMEW3beRBk3FVJwIIAMD/7hI0VnihFhgPMjAyNjAzMDEwMDAwMDBaoAMKAQEYDzIwMjYxMTIyMDkwODE4WqARGA8yMDI2MTEyOTA5MDgxOFqhIzAhMB8GCSsGAQUFBzABAgQSBBB5yvbfMWN1jNiUUmOXmQpVMAoGCCqGSM49BAMCA0cAMEQCIDsxZsuhp4HPjxXGskaBCfGy6aSkZUOVMDwkFoRlxQVJAiAfYh7Csn3xAsS3K4IvA1v1U2UQDhWjIATYrTofFqwtiQ==';
const ENDLESS =
  'MIICmwoBAKCCApQwggKQBgkrBgEFBQcwAQEEggKBMIICfTCBqKIWBBSxKZYtyH8UgA6zMEW3beRBk3FVJxgPMjAyNjExMjIwOTA4MThaMFgwVjBBMAkGBSsOAwIaBQAEFBEEjNIMs1kjB9AZ/QiJViti02SSBBSxKZYtyH8UgA6zMEW3beRBk3FVJwIIAMD/7hI0VniAABgPMjAyNjExMjIwOTA4MThaoSMwITAfBgkrBgEFBQcwAQIEEgQQ76KTIuEcU19TCpbOLLXzRTAKBggqhkjOPQQDAgNJADBGAiEA1NfNouiZTwgqmf8scbmvUgG0Jbv6Napsy0q5XI0lW94CIQD4Gzpksscm5XznpyHVdIrnBSSTbMOGZHq46gFTXI+l3KCCAXcwggFzMIIBbzCCARWgAwIBAgIUdMlphbEHwcKRycELbhZUaeiDxwEwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwHhcNMjYxMTIyMDkwODE4WhcNMzYxMTE5MDkwODE4WjANMQswCQYDVQQDDAJjYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGRaEUULbDYBVjjN19pYuLXWEQAUwb7Tr2RZq+WBHaQVWrGItrLC8el3uFnlE1aTKz6NiEuBJ5hrvzsaJv5RIl2jUzBRMB0GA1UdDgQWBBSxKZYtyH8UgA6zMEW3beRBk3FVJzAfBgNVHSMEGDAWgBSxKZYtyH8UgA6zMEW3beRBk3FVJzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQC5xwbp+YklkN2P+4e8QttcnPT3dYTL3wX+u9pWss/oBAIgWqOolgkUADaUEHqXdFN7Zn86KQ77qEJ/EwhQudmrVlo=';
const UNKNOWN =
  'MIIBJQoBAKCCAR4wggEaBgkrBgEFBQcwAQEEggELMIIBBzCBrqEPMA0xCzAJBgNVBAMMAmNhGA8yMDI2MTEyMjA5MDgxOFowZTBjMDswCQYFKw4DAhoFAAQUEQSM0gyzWSMH0Bn9CIlWK2LTZJIEFLEpli3IfxSADrMwRbdt5EGTcVUnAgIA3YIAGA8yMDI2MTEyMjA5MDgxOFqgERgPMjAyNjExMjkwOTA4MThaoSMwITAfBgkrBgEFBQcwAQIEEgQQTJSKIxvyqoNbCPYvT2dXHDAKBggqhkjOPQQDAgNIADBFAiEAtP/I3WckHmbonkojki3s8d1P97hoLbz08y4dd3kJoj4CIEoWFWUOtLmZeQZywhe+mNh1eApV9uZbWdEeOE+wpmEU';
const SERIAL = 'C0FFEE12345678';
const THIS_UPDATE_MS = Date.parse('2026-11-22T09:08:18Z');
const WEEK_MS = 7 * 86_400_000;

const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64');

/** With one byte, or several, replaced. */
function changed(base64: string, at: number, ...bytes: number[]): Buffer {
  const copy = bytesOf(base64);
  copy.set(bytes, at);
  return copy;
}

describe('a response of openssl', () => {
  it('is read with its times', () => {
    const nextUpdateMs = THIS_UPDATE_MS + WEEK_MS;
    assert.deepEqual(stapleOf(bytesOf(GOOD), SERIAL), { thisUpdateMs: THIS_UPDATE_MS, nextUpdateMs });
    assert.equal(stapleOf(bytesOf(ENDLESS), `00${SERIAL.toLowerCase()}`).nextUpdateMs, null);
  });

  it('that does not say good of the certificate is refused with the reason', () => {
    assert.throws(() => stapleOf(bytesOf(GOOD), 'C0FFEE12345679'), /not for the certificate, whose .* C0FFEE12345679$/);
    assert.throws(() => stapleOf(bytesOf(REVOKED), SERIAL), /was revoked at 2026-03-01T00:00:00\.000Z$/);
    assert.throws(() => stapleOf(bytesOf(UNKNOWN), 'DD'), /says the certificate is unknown$/);
    // The only value that such a response has is its status.
    assert.throws(() => stapleOf(Buffer.from('30030a0103', 'hex'), SERIAL), /says tryLater, not successful$/);
    assert.throws(() => stapleOf(Buffer.from('30030a0163', 'hex'), SERIAL), /says status 99, not successful$/);
  });

  it('cut anywhere, or with something behind it, is refused', () => {
    const whole = bytesOf(GOOD);
    for (let length = 0; length < whole.length; length++)
      assert.throws(() => stapleOf(whole.subarray(0, length), SERIAL), /no OCSP response in DER/);
    assert.throws(() => stapleOf(Buffer.concat([whole, Buffer.of(0)]), SERIAL), /no OCSP response in DER/);
  });

  it('whose lengths are indefinite or longer than needed is refused', () => {
    const whole = bytesOf(GOOD);
    assert.throws(() => stapleOf(changed(GOOD, 1, 0x80), SERIAL), /no OCSP response in DER/);
    const longer = Buffer.concat([Buffer.of(0x30, 0x83, 0x00), whole.subarray(2)]);
    assert.throws(() => stapleOf(longer, SERIAL), /no OCSP response in DER/);
    const status = Buffer.concat([Buffer.of(0x30, 0x04, 0x0a, 0x81, 0x01, 0x03)]);
    assert.throws(() => stapleOf(status, SERIAL), /no OCSP response in DER/);
    assert.throws(() => stapleOf(Buffer.of(0x30, 0x85, 1, 1, 1, 1, 1), SERIAL), /no OCSP response in DER/);
  });

  it('of another type, or with times that are none, is refused', () => {
    const type = bytesOf(GOOD).indexOf(Buffer.from('2b0601050507300101', 'hex'));
    assert.throws(() => stapleOf(changed(GOOD, type + 8, 2), SERIAL), /another type than id-pkix-ocsp-basic/);
    const next = bytesOf(GOOD).indexOf('20261129');
    assert.throws(() => stapleOf(changed(GOOD, next + 4, 0x39, 0x39), SERIAL), /no OCSP response in DER/);
    assert.throws(() => stapleOf(changed(GOOD, next + 14, 0x30), SERIAL), /no OCSP response in DER/);
  });

  it('with any byte changed is read or refused, and nothing else comes of it', () => {
    const whole = bytesOf(GOOD);
    for (const at of whole.keys()) {
      for (const byte of [0x00, 0x30, 0x7f, 0x80, 0x84, 0xff]) {
        try {
          stapleOf(changed(GOOD, at, byte), SERIAL);
        } catch (error) {
          assert.match((error as Error).message, /^no OCSP response in DER$|^a response /);
        }
      }
    }
  });
});

it('a response is to be shown from its first instant until before its last', () => {
  const staple = { thisUpdateMs: 1000, nextUpdateMs: 2000 };
  assert.match(staleness(staple, 999), /^one that is not valid before 1970-01-01T00:00:01\.000Z$/);
  assert.equal(staleness(staple, 1000), '');
  assert.equal(staleness(staple, 1999), '');
  assert.match(staleness(staple, 2000), /^one that expired at 1970-01-01T00:00:02\.000Z$/);
  assert.equal(staleness({ ...staple, nextUpdateMs: null }, Number.MAX_SAFE_INTEGER), '');
});
