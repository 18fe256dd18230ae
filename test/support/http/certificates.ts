/**
 * Certificates that a test makes for itself, in its own process: none is kept, so none expires, and no program is started.
 *
 * DER is put together by hand: a value is its tag, its length and its content. Source: RFC 5280 sections 4.1 and 4.2; ITU-T
 * X.690 section 8.1.3; RFC 6960 section 4.2.1 (OCSP responses).
 */

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const DAY_MS = 86_400_000;

/** Tags of X.690, and those that RFC 5280 gives a meaning of its own. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  keyIdentifier: 0x80,
  version: 0xa0,
  extensions: 0xa3,
  good: 0x80,
  explicit0: 0xa0,
  revoked: 0xa1,
  responderByKey: 0xa2,
} as const;
/** Of the kinds of alternative names. */
const NAME_TAG: Readonly<Record<string, number>> = { DNS: 0x82, URI: 0x86, IP: 0x87 };

/** Contents of object identifiers. */
const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectKeyIdentifier: '551d0e',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  authorityKeyIdentifier: '551d23',
  extKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
  sha1: '2b0e03021a',
  basicResponse: '2b0601050507300101',
} as const;

export interface Issued {
  /** Paths. */
  readonly cert: string;
  readonly key: string;
  readonly pem: { readonly cert: string; readonly key: string };
}

/** What a certificate is to be; an EC key unless `rsaBits` says otherwise. */
export interface Wanted {
  /** `DNS:a.example,URI:spiffe://x`; empty: none. */
  readonly names: string;
  readonly days?: number;
  /** Common name; default `test`. */
  readonly subject?: string;
  readonly rsaBits?: number;
}

/** What an OCSP response is to say; good, from now on for a week, unless something else is said. */
export interface Answered {
  readonly revokedAtMs?: number;
  readonly thisUpdateMs?: number;
  /** null: none. */
  readonly nextUpdateMs?: number | null;
}

export interface Authority {
  readonly folder: string;
  /** File with its certificate. */
  readonly ca: string;
  readonly pem: string;
  issue(name: string, wanted: Wanted): Issued;
  /** An OCSP response for one of its certificates. */
  respond(issued: Issued, answered?: Answered): Buffer;
  /** A file of the test's own in the folder. */
  write(name: string, content: string | Uint8Array): string;
}

/** An authority in a folder of its own, which is gone after the test. */
export function authorityOf(t: TestContext, name = 'authority'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (file: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, file), content);
    return join(folder, file);
  };
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { name, publicKey, privateKey };
  const certified = [
    extension(OID.basicConstraints, true, der(TAG.sequence, der(TAG.boolean, [0xff]))),
    // The sixth bit: certificates may be signed.
    extension(OID.keyUsage, true, der(TAG.bitString, [2, 0b100])),
  ];
  const pem = certify(issuer, { subject: name, publicKey, days: 30, extensions: certified });
  return {
    folder,
    ca: write('ca.pem', pem),
    pem,
    issue: (file, wanted) => {
      const issued = issue(issuer, wanted);
      return { cert: write(`${file}.pem`, issued.cert), key: write(`${file}.key`, issued.key), pem: issued };
    },
    respond: ({ pem: { cert } }, answered = {}) => respond(issuer, new X509Certificate(cert).serialNumber, answered),
    write,
  };
}

/** Who signs. */
interface Issuer {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** What is signed. */
interface Subject {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly days: number;
  readonly extensions: readonly Buffer[];
}

/** A certificate for hosts and clients, with a key of its own. */
function issue(issuer: Issuer, { names, days = 60, subject = 'test', rsaBits }: Wanted): Issued['pem'] {
  const { publicKey, privateKey } =
    rsaBits === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsaBits });
  const extensions = [
    extension(OID.basicConstraints, false, der(TAG.sequence)),
    extension(OID.extKeyUsage, false, der(TAG.sequence, oid(OID.serverAuth), oid(OID.clientAuth))),
    ...(names === ''
      ? []
      : [extension(OID.subjectAltName, false, der(TAG.sequence, ...names.split(',').map(alternativeName)))]),
  ];
  const cert = certify(issuer, { subject, publicKey, days, extensions });
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** An OCSPResponse with one answer, signed by the issuer itself. @param serialNumber hex */
function respond({ name, publicKey, privateKey }: Issuer, serialNumber: string, answered: Answered): Buffer {
  const nowMs = Date.now();
  const { revokedAtMs, thisUpdateMs = nowMs - DAY_MS, nextUpdateMs = nowMs + 7 * DAY_MS } = answered;
  const nameHash = createHash('sha1').update(distinguishedName(name)).digest();
  const certId = der(
    TAG.sequence,
    der(TAG.sequence, oid(OID.sha1)),
    der(TAG.octetString, nameHash),
    der(TAG.octetString, keyIdOf(publicKey)),
    der(TAG.integer, Buffer.from(serialNumber, 'hex')),
  );
  const single = der(
    TAG.sequence,
    certId,
    revokedAtMs === undefined ? der(TAG.good) : der(TAG.revoked, generalizedTime(revokedAtMs)),
    generalizedTime(thisUpdateMs),
    ...(nextUpdateMs === null ? [] : [der(TAG.explicit0, generalizedTime(nextUpdateMs))]),
  );
  const responder = der(TAG.responderByKey, der(TAG.octetString, keyIdOf(publicKey)));
  const data = der(TAG.sequence, responder, generalizedTime(thisUpdateMs), der(TAG.sequence, single));
  const algorithm = der(TAG.sequence, oid(OID.ecdsaWithSha256));
  const basic = der(TAG.sequence, data, algorithm, der(TAG.bitString, [0], sign('sha256', data, privateKey)));
  const typed = der(TAG.sequence, oid(OID.basicResponse), der(TAG.octetString, basic));
  return der(TAG.sequence, der(TAG.enumerated, [0]), der(TAG.explicit0, typed));
}

/** Signs; in PEM. Valid from now on. */
function certify(issuer: Issuer, { subject, publicKey, days, extensions }: Subject): string {
  const nowMs = Date.now();
  const algorithm = der(TAG.sequence, oid(OID.ecdsaWithSha256));
  const keyIds = [
    extension(OID.subjectKeyIdentifier, false, der(TAG.octetString, keyIdOf(publicKey))),
    extension(OID.authorityKeyIdentifier, false, der(TAG.sequence, der(TAG.keyIdentifier, keyIdOf(issuer.publicKey)))),
  ];
  const signed = der(
    TAG.sequence,
    // Version 3.
    der(TAG.version, der(TAG.integer, [2])),
    // Positive, and without a leading byte that says nothing.
    der(TAG.integer, [0x40], randomBytes(15)),
    algorithm,
    distinguishedName(issuer.name),
    der(TAG.sequence, utcTime(nowMs), utcTime(nowMs + days * DAY_MS)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.extensions, der(TAG.sequence, ...keyIds, ...extensions)),
  );
  const signature = sign('sha256', signed, issuer.privateKey);
  const certificate = der(TAG.sequence, signed, algorithm, der(TAG.bitString, [0], signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** A value: its tag, its length, what it is made of. */
function der(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

function oid(content: string): Buffer {
  return der(TAG.oid, Buffer.from(content, 'hex'));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return der(TAG.sequence, oid(id), ...(isCritical ? [der(TAG.boolean, [0xff])] : []), der(TAG.octetString, value));
}

/** One that has a common name only. */
function distinguishedName(commonName: string): Buffer {
  const attribute = der(TAG.sequence, oid(OID.commonName), der(TAG.utf8String, Buffer.from(commonName)));
  return der(TAG.sequence, der(TAG.set, attribute));
}

/** `DNS:a.example`, `URI:spiffe://x` or `IP:127.0.0.1`. @throws Error on another kind */
function alternativeName(text: string): Buffer {
  const colon = text.indexOf(':');
  const [kind, value] = [text.slice(0, colon), text.slice(colon + 1)];
  const tag = NAME_TAG[kind];
  if (tag === undefined) throw new Error(`no alternative name: ${text}`);
  return der(tag, kind === 'IP' ? value.split('.').map(Number) : Buffer.from(value, 'latin1'));
}

/** `261122050858Z`: to the second, in this century's first half. */
function utcTime(ms: number): Buffer {
  return der(TAG.utcTime, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}

/** `20261122050858Z`. */
function generalizedTime(ms: number): Buffer {
  return der(TAG.generalizedTime, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`));
}

function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}
