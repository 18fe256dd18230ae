/**
 * The certificate that every gateway shows: made for the run, gone with it.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Both in one, as HAProxy wants them. */
  readonly both: string;
}

/** A name that is in the certificate, beside the address. */
export const HOST = 'shop.example';

/** Makes a certificate of its own issuer with a key on P-256. @throws Error with what openssl said */
export function makeCertificate(folder: string, openssl: string): Certificate {
  const [cert, key, both] = ['cert.pem', 'key.pem', 'both.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  const names = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST},IP:127.0.0.1`];
  const args = ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert];
  const { status, stderr, error } = spawnSync(openssl, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl made no certificate: ${error?.message ?? stderr}`);
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  return { cert, key, both };
}
