/** Signed colors: right ones, forged ones, old ones, and a change of keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REMEMBERED_MAX, Signatures } from '#src/proxy/decide/color/signatures.ts';
import { WALL_MS } from '../../../../support/proxy/parts.ts';

const MINUTE = 60_000;
const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)] as const;

function signaturesOf(...keys: readonly string[]): Signatures {
  const signatures = new Signatures();
  signatures.configure({ header: 's', bucketMs: MINUTE, keys: [] });
  signatures.learn(keys);
  return signatures;
}

test('what one gateway signs another with the key believes, for that color alone', () => {
  const [one, other] = [signaturesOf(NEW), signaturesOf(NEW)];
  const signature = one.sign('blue', WALL_MS);
  for (let again = 0; again < 2; again++) {
    assert.equal(one.sign('blue', WALL_MS), signature);
    assert.equal(other.check('blue', signature, WALL_MS), 'valid');
    assert.equal(other.check('green', signature, WALL_MS), 'forged');
  }
});

test('the form is fixed: a bucket and an HMAC-SHA256', () => {
  const signature = signaturesOf('0123456789abcdef0123456789abcdef').sign('blue', WALL_MS);
  assert.match(signature, /^29453760\.[\w-]{43}$/);
  for (const forged of ['', '.', '1', `${signature}=`, `0${signature}`, ` ${signature}`, signature.slice(0, -1)]) {
    assert.equal(signaturesOf('0123456789abcdef0123456789abcdef').check('blue', forged, WALL_MS), 'forged', forged);
  }
  const [, mac] = signature.split('.');
  assert.equal(signaturesOf('0123456789abcdef0123456789abcdef').check('blue', `29453761.${mac}`, WALL_MS), 'forged');
});

test('a signature is fresh in its bucket and the ones beside it', () => {
  const signature = signaturesOf(NEW).sign('blue', WALL_MS);
  const other = signaturesOf(NEW);
  for (const [offset, result] of [
    [0, 'valid'],
    [MINUTE, 'valid'],
    [2 * MINUTE - 1, 'valid'],
    [2 * MINUTE, 'stale'],
    [-1, 'valid'],
    [-MINUTE - 1, 'stale'],
    [0, 'valid'],
  ] as const) {
    assert.equal(other.check('blue', signature, WALL_MS + offset), result, String(offset));
  }
});

test('keys are changed without a gap: both verify, the first signs', () => {
  const [before, during, after] = [signaturesOf(OLD), signaturesOf(NEW, OLD), signaturesOf(NEW)];
  assert.equal(during.check('blue', before.sign('blue', WALL_MS), WALL_MS), 'valid');
  assert.equal(after.check('blue', during.sign('blue', WALL_MS), WALL_MS), 'valid');
  assert.equal(after.check('blue', before.sign('blue', WALL_MS), WALL_MS), 'forged');
  during.learn([NEW]);
  assert.equal(during.check('blue', before.sign('blue', WALL_MS), WALL_MS), 'forged', 'remembered after the change');
});

test('without a key, or unconfigured, nothing is signed and nothing believed', () => {
  const none = signaturesOf();
  assert.deepEqual([none.sign('blue', WALL_MS), none.check('blue', '1.x', WALL_MS)], ['', 'no_keys']);
  const off = signaturesOf(NEW);
  off.configure(null);
  assert.deepEqual([off.sign('blue', WALL_MS), off.check('blue', '1.x', WALL_MS)], ['', 'no_keys']);
});

test('what is remembered is bounded, and more colors than that work as well', () => {
  const [one, other] = [signaturesOf(NEW), signaturesOf(NEW)];
  for (let n = 0; n < 3 * REMEMBERED_MAX; n++) {
    assert.equal(other.check(`c${n}`, one.sign(`c${n}`, WALL_MS), WALL_MS), 'valid');
  }
});
