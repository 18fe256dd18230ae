/** Which tokens count, by what is wrong with the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVerifier } from '#src/proxy/decide/color/verifier.ts';
import { claimsOf, keyOf, keySetOf, signed, signedByHmac, tokenConfig } from '../../../../support/http/tokens.ts';
import { WALL_MS } from '../../../../support/proxy/parts.ts';

const KEYS = [keyOf('rsa', 'RS256'), keyOf('ec'), keyOf('ed', 'EdDSA')];
const [RSA, EC] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0], (typeof KEYS)[0]];
const STRANGER = keyOf('ec');
const SET = keySetOf(...KEYS);
const good = claimsOf(WALL_MS, { stage: 'canary' });
const seconds = Math.floor(WALL_MS / 1000);

async function resultOf(token: string, more: Parameters<typeof tokenConfig>[0] = {}, set = SET): Promise<string> {
  const verify = await createVerifier(tokenConfig(more), set);
  const { result, colors, user } = await verify(token, WALL_MS);
  assert.equal(colors.length > 0 || user !== '', result === 'verified', result);
  return result;
}

test('tokens of every kind of key are verified', async () => {
  const verify = await createVerifier(tokenConfig(), SET);
  for (const key of KEYS) {
    const { result, colors, fromMs, untilMs } = await verify(signed(key, { ...good, nbf: seconds - 5 }), WALL_MS);
    assert.deepEqual([result, colors], ['verified', ['canary']], key.alg);
    assert.deepEqual([fromMs, untilMs], [(seconds - 35) * 1000, (seconds + 3630) * 1000]);
  }
});

test('a claim may be a list; what is no text is no color, and so is an inherited member', async () => {
  const verify = await createVerifier(tokenConfig(), SET);
  const colorsOf = async (stage: unknown) => (await verify(signed(EC, { ...good, stage }), WALL_MS)).colors;
  assert.deepEqual(await colorsOf(['a', 1, null, 'b']), ['a', 'b']);
  assert.equal((await colorsOf(Array.from({ length: 100 }, () => 'a'))).length, 16);
  for (const stage of [undefined, 1, {}, null, []]) assert.deepEqual(await colorsOf(stage), []);
  const nobody = signed(EC, { ...good, sub: undefined });
  assert.equal(await resultOf(nobody, { claim: 'constructor' }), 'claim');
  assert.equal(await resultOf(nobody, { claim: null, userClaim: 'constructor' }), 'claim');
});

test('a token that is signed wrongly, or not at all, is none', async () => {
  const [head, body, mac] = signed(EC, good).split('.') as [string, string, string];
  const other = signed(EC, claimsOf(WALL_MS, { stage: 'stable' })).split('.')[1];
  assert.equal(await resultOf(`${head}.${other}.${mac}`), 'signature');
  assert.equal(await resultOf(signed(STRANGER, good)), 'signature');
  assert.equal(await resultOf(signed(EC, good, { alg: 'none' })), 'algorithm');
  assert.equal(await resultOf(`${head}.${body}.`), 'signature');
  assert.equal(await resultOf(signed(EC, good, { kid: 'else' })), 'unknown_key');
  assert.equal(await resultOf(signed(EC, good, { alg: 'RS256' })), 'unknown_key');
  assert.equal(await resultOf(signed(RSA, good), { algorithms: ['ES256'] }), 'algorithm');
  assert.equal(await resultOf('e30.e30.e30'), 'malformed');
  assert.equal(await resultOf(signed(EC, good, { crit: ['x'], x: 1 })), 'algorithm');
});

test('a public key is no secret to sign with', async () => {
  const pem = RSA.publicKey.export({ type: 'spki', format: 'pem' });
  const jwk = JSON.stringify(RSA.publicKey.export({ format: 'jwk' }));
  for (const secret of [pem, jwk, '']) {
    for (const header of [{ kid: 'rsa' }, {}, { alg: 'HS512', kid: 'rsa' }]) {
      assert.equal(await resultOf(signedByHmac(secret, good, header)), 'algorithm');
    }
  }
});

test('a key that a token brings along is not used', async () => {
  const jwk = STRANGER.publicKey.export({ format: 'jwk' });
  for (const header of [{ jwk }, { jku: 'http://127.0.0.1:1/' }, { x5u: 'http://127.0.0.1:1/' }]) {
    assert.equal(await resultOf(signed(STRANGER, good, header)), 'signature');
  }
});

test('issuer, audience and times are required and checked, with leeway', async () => {
  const of = (more: Record<string, unknown>) => resultOf(signed(EC, { ...good, ...more }));
  assert.equal(await of({ iss: 'https://other.test' }), 'issuer');
  assert.equal(await of({ iss: undefined }), 'issuer');
  assert.equal(await of({ aud: 'other' }), 'audience');
  assert.equal(await of({ aud: undefined }), 'audience');
  assert.equal(await of({ aud: ['other', 'shop'] }), 'verified');
  assert.equal(await of({ exp: undefined }), 'expired');
  assert.equal(await of({ exp: seconds - 29 }), 'verified');
  assert.equal(await of({ exp: seconds - 31 }), 'expired');
  assert.equal(await of({ nbf: seconds + 29 }), 'verified');
  assert.equal(await of({ nbf: seconds + 31 }), 'not_yet');
});

test('a key that is too short counts as a bad one, two that fit as none', async () => {
  const token = signed(EC, good, { kid: undefined });
  assert.equal(await resultOf(token), 'verified');
  assert.equal(await resultOf(token, {}, keySetOf(EC, STRANGER)), 'unknown_key');
  const broken = JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'ec' }] });
  assert.equal(await resultOf(signed(EC, good), {}, broken), 'bad_key');
});
