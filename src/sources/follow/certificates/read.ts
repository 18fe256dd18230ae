/**
 * Reads the files that TLS is spoken with, as a whole or not at all: a certificate without its key, or a list of issuers
 * without any, is worth nothing.
 *
 * Synchronous, so that all files of a listener are of one moment as far as they can be; they are few and small, and read at a
 * start, a reload and a look at what has changed.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type {
  CertificateFiles,
  DoorMaterial,
  ListenerTls,
  ServerCertificate,
  UpstreamMaterial,
  UpstreamTls,
} from '../../../model/threads/tls.ts';
import { type Leaf, leafOf } from './leaf.ts';
import { type Staple, stapleOf } from './ocsp.ts';

/** More than any chain, and any bundle of issuers, is. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** What is wrong with one of the files. */
export interface FileFault {
  /** Steps from the `tls` that names it. */
  readonly path: readonly (string | number)[];
  readonly expected: string;
  /** With the name of the file. */
  readonly got: string;
}

/** What the files of a listener hold. */
export interface ListenerFiles {
  /** Null when something is wrong. */
  readonly door: Omit<DoorMaterial, 'ticketKeys' | 'sessionContext'> | null;
  readonly faults: readonly FileFault[];
  /** In the order of the certificates; null where one cannot be read. */
  readonly leaves: readonly (Leaf | null)[];
  /** In the same order; null where no response is named, or cannot be used. */
  readonly staples: readonly (Staple | null)[];
}

/** Reads all files of a listener. Never throws. */
export function readListener(tls: ListenerTls): ListenerFiles {
  const faults: FileFault[] = [];
  const read = tls.certificates.map((files, n) => readCertificate(files, ['certificates', n], faults));
  const { clientAuth } = tls;
  const ca = clientAuth === null ? null : readIssuers(clientAuth.ca, ['clientAuth', 'ca'], faults);
  const leaves = read.map((one) => one?.leaf ?? null);
  const staples = read.map((one) => one?.staple ?? null);
  if (faults.length > 0) return { door: null, faults, leaves, staples };
  const certificates = read.flatMap((one) => (one === null ? [] : [one.certificate]));
  const { unknownHost, minVersion, handshakeMs, handshakesMax } = tls;
  const auth = clientAuth === null || ca === null ? null : { mode: clientAuth.mode, ca };
  const door = { certificates, unknownHost, minVersion, handshakeMs, handshakesMax, clientAuth: auth };
  return { door, faults, leaves, staples };
}

/** Reads all files of an endpoint's settings. Never throws. */
export function readUpstream(tls: UpstreamTls): {
  readonly material: UpstreamMaterial | null;
  readonly faults: FileFault[];
} {
  const faults: FileFault[] = [];
  const { cert, key, minVersion, isInsecure } = tls;
  const ca = tls.ca === null ? null : readIssuers(tls.ca, ['ca'], faults);
  const own = cert === null || key === null ? null : readCertificate({ cert, key, ocsp: null }, [], faults);
  if (faults.length > 0) return { material: null, faults };
  const shown = own?.certificate ?? null;
  return { material: { ca, cert: shown?.cert ?? null, key: shown?.key ?? null, minVersion, isInsecure }, faults };
}

interface Read {
  readonly certificate: ServerCertificate;
  readonly leaf: Leaf;
  readonly staple: Staple | null;
}

function readCertificate(files: CertificateFiles, path: FileFault['path'], faults: FileFault[]): Read | null {
  const take = <T>(field: string, file: string, expected: string, make: (bytes: Buffer) => T): T | null => {
    return attempt([...path, field], file, expected, { make, faults });
  };
  const chain = take('cert', files.cert, 'a certificate in PEM', (bytes) => {
    return { pem: bytes.toString('latin1'), leaf: new X509Certificate(bytes) };
  });
  const key = take('key', files.key, 'a private key in PEM, without a passphrase', (bytes) => {
    return { pem: bytes.toString('latin1'), key: createPrivateKey(bytes) };
  });
  if (chain === null || key === null) return null;
  const { ocsp: ocspFile } = files;
  const { serialNumber } = chain.leaf;
  const ocsp =
    ocspFile === null
      ? null
      : take('ocsp', ocspFile, `a good OCSP response (DER) for ${files.cert}`, (bytes) => {
          return { bytes: new Uint8Array(bytes), staple: stapleOf(bytes, serialNumber) };
        });
  const misfit = misfitOf(files, chain, key);
  if (misfit !== null) {
    const { field, ...fault } = misfit;
    faults.push({ path: [...path, field], ...fault });
    return null;
  }
  const leaf = leafOf(chain.leaf);
  const { names, digest } = leaf;
  const certificate = { cert: chain.pem, key: key.pem, names, digest, ocsp: ocsp?.bytes ?? null };
  return { certificate, leaf, staple: ocsp?.staple ?? null };
}

/** Why a certificate and a key are no pair that TLS can be spoken with; null: they are one. */
function misfitOf(
  { cert, key: keyFile }: CertificateFiles,
  chain: { pem: string; leaf: X509Certificate },
  { pem, key }: { pem: string; key: KeyObject },
): (Omit<FileFault, 'path'> & { readonly field: 'cert' | 'key' }) | null {
  if (!chain.leaf.checkPrivateKey(key)) {
    return { field: 'key', expected: `the key of the certificate in ${cert}`, got: `${keyFile}: another key` };
  }
  try {
    createSecureContext({ cert: chain.pem, key: pem });
    return null;
  } catch (error) {
    const expected = 'a certificate that OpenSSL lets TLS be spoken with';
    return { field: 'cert', expected, got: `${cert}: ${sizeOf(key)}, ${wordOf(error)}` };
  }
}

/** `RSA with 1024 bits`, `EC on prime256v1`. */
function sizeOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
  const kind = String(asymmetricKeyType).toUpperCase();
  if (modulusLength !== undefined) return `${kind} with ${modulusLength} bits`;
  return namedCurve === undefined ? kind : `${kind} on ${namedCurve}`;
}

/** An empty list would make the system's issuers the ones that are believed. */
function readIssuers(file: string, path: FileFault['path'], faults: FileFault[]): string | null {
  const make = (bytes: Buffer): string => {
    const pem = bytes.toString('latin1');
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) throw new Error('no certificate in it');
    if (pem.split('-----BEGIN CERTIFICATE-----').length - 1 !== blocks.length)
      throw new Error('a certificate without its end');
    for (const block of blocks) new X509Certificate(block);
    createSecureContext({ ca: pem });
    return blocks.join('\n');
  };
  return attempt(path, file, 'certificates of issuers in PEM', { make, faults });
}

function attempt<T>(
  path: FileFault['path'],
  file: string,
  expected: string,
  { make, faults }: { readonly make: (bytes: Buffer) => T; readonly faults: FileFault[] },
): T | null {
  try {
    const stats = statSync(file);
    const { size } = stats;
    // A pipe would be waited for, by everything else that this thread does too.
    if (!stats.isFile() && !stats.isDirectory()) throw new Error('no file');
    if (size > FILE_BYTES_MAX) throw new Error(`${size} bytes, more than ${FILE_BYTES_MAX}`);
    return make(readFileSync(file));
  } catch (error) {
    faults.push({ path, expected, got: `${file}: ${wordOf(error)}` });
    return null;
  }
}

/** The system's word where there is one; messages of the runtime may repeat what stands in a file, and are not shown. */
function wordOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message;
  return code.startsWith('ERR_OSSL') || code.startsWith('ERR_') ? `not usable (${code})` : code;
}
