/**
 * Certificates that a test makes for itself with openssl: none is kept, so none expires.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

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

export interface Authority {
  readonly folder: string;
  /** File with its certificate. */
  readonly ca: string;
  readonly pem: string;
  issue(name: string, wanted: Wanted): Issued;
  /** A file of the test's own in the folder. */
  write(name: string, content: string | Uint8Array): string;
}

/** An authority in a folder of its own, which is gone after the test. */
export function authorityOf(t: TestContext, name = 'authority'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (file: string): string => join(folder, file);
  const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign'];
  openssl([
    'req',
    '-x509',
    ...keyOf({}),
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '30',
    '-subj',
    `/CN=${name}`,
    ...extensions,
  ]);
  return {
    folder,
    ca: at('ca.pem'),
    pem: readFileSync(at('ca.pem'), 'utf8'),
    issue: (file, wanted) => issue(at, file, wanted),
    write: (file, content) => {
      writeFileSync(at(file), content);
      return at(file);
    },
  };
}

function issue(at: (file: string) => string, file: string, wanted: Wanted): Issued {
  const { names, days = 60, subject = 'test' } = wanted;
  const [cert, key, request, extensions] = [`${file}.pem`, `${file}.key`, `${file}.csr`, `${file}.ext`].map(at) as [
    string,
    string,
    string,
    string,
  ];
  openssl(['req', '-new', ...keyOf(wanted), '-keyout', key, '-out', request, '-subj', `/CN=${subject}`]);
  const lines = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth,clientAuth'];
  writeFileSync(extensions, [...lines, ...(names === '' ? [] : [`subjectAltName=${names}`])].join('\n'));
  const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', extensions];
  openssl(['x509', '-req', '-in', request, '-out', cert, '-days', String(days), ...signing]);
  return { cert, key, pem: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } };
}

function keyOf({ rsaBits }: { readonly rsaBits?: number }): string[] {
  const kind = rsaBits === undefined ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : [`rsa:${rsaBits}`];
  return ['-nodes', '-newkey', ...kind];
}

function openssl(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${error?.message ?? stderr}`);
}
