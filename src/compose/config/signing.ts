/**
 * Signing and verifying of one document for the command line: files in, a signature or what is wrong with it out.
 */

import { rename, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Problem, SluiceError } from '../../model/problem.ts';
import { DISK } from '../../sources/disk.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import type { SourceDocument } from '../../sources/document/pieces.ts';
import { type ConfigKey, loadConfigKeys } from '../../sources/document/signature/keys.ts';
import { Ledger } from '../../sources/document/signature/ledger.ts';
import {
  formatSignature,
  isRevision,
  isSubject,
  readSignature,
  type Signature,
  sign,
} from '../../sources/document/signature/signature.ts';
import { SIGNATURE_ENDING } from '../../sources/document/signature/subject.ts';

/** A document, what it is called where it is kept, and where the keys are. */
export interface SigningQuestion {
  readonly file: string;
  /** Null: as the file is called. */
  readonly subject: string | null;
  /** Null: the environment has them. */
  readonly keyFile: string | null;
  /** Where its signature is; null: beside the file. */
  readonly signatureFile: string | null;
}

export interface SignQuestion extends SigningQuestion {
  /** Null: the first. */
  readonly keyId: string | null;
  /** Null: the seconds since 1970, or one more than the signature that is there, whichever is greater. */
  readonly revision: number | null;
}

/** A signature and where it lies. */
export interface SignedAnswer extends Signature {
  readonly subject: string;
  readonly signatureFile: string;
}

/** What a signature is worth. */
export interface VerifyAnswer {
  readonly subject: string;
  readonly signatureFile: string;
  /** Null: it is not good, and `problems` says why. */
  readonly signature: Signature | null;
  readonly problems: readonly Problem[];
}

/** What the command line does with signatures. @param environment may have the keys @param nowS seconds since 1970 */
export function createSigning(environment: Environment, nowS: () => number) {
  return {
    /** Whether there are keys without a file that is named. */
    hasKeys: (keyFile: string | null) => loadConfigKeys(keyFile, environment).then((keys) => keys.length > 0),
    sign: (question: SignQuestion) => signFile(question, environment, nowS()),
    verify: (question: SigningQuestion) => verifyFile(question, environment),
  };
}

async function signFile(question: SignQuestion, environment: Environment, nowS: number): Promise<SignedAnswer> {
  const key = keyNamed(question.keyId, await keysOf(question, environment));
  const { subject, signatureFile } = placeOf(question);
  if (!isSubject(subject)) {
    throw new SluiceError(
      'SLU_USAGE',
      `${JSON.stringify(subject)} has a line end, and cannot be signed: give it a --name`,
    );
  }
  const text = await DISK.readText(question.file);
  const before = await readIfThere(signatureFile);
  const last = before === null ? null : readSignature(before);
  if (before !== null && last === null) {
    throw new SluiceError('SLU_USAGE', `${signatureFile} is there and is no signature: it is not replaced`);
  }
  const revision = question.revision ?? Math.max(nowS, (last?.revision ?? 0) + 1);
  if (!isRevision(revision))
    throw new SluiceError('SLU_USAGE', `a revision is a whole number from 1, got ${question.revision}`);
  const signature = sign(key, { subject, revision, text });
  const fresh = `${signatureFile}.new`;
  await writeFile(fresh, formatSignature(signature));
  await rename(fresh, signatureFile);
  return { ...signature, subject, signatureFile };
}

async function verifyFile(question: SigningQuestion, environment: Environment): Promise<VerifyAnswer> {
  const { subject, signatureFile } = placeOf(question);
  const ledger = new Ledger(await keysOf(question, environment), (_document, name) => name);
  const text = await DISK.readText(question.file);
  const beside = await readIfThere(signatureFile);
  const main = { kind: 'root', file: subject } as const;
  const documents: SourceDocument[] = [{ name: question.file, text, mount: main, source: 0, isForeign: true }];
  const mount = { kind: 'signature', of: subject } as const;
  if (beside !== null) documents.push({ name: signatureFile, text: beside, mount, source: 0, isForeign: true });
  const { refused } = ledger.verify(documents);
  const problems = refused.map(({ problem }) => problem);
  const signature = problems.length > 0 || beside === null ? null : readSignature(beside);
  return { subject, signatureFile, signature, problems };
}

async function keysOf({ keyFile }: SigningQuestion, environment: Environment): Promise<readonly ConfigKey[]> {
  const keys = await loadConfigKeys(keyFile, environment);
  if (keys.length > 0) return keys;
  throw new SluiceError('SLU_USAGE', 'there is no key: name a file with --config-key-file, or set SLUICE_CONFIG_KEYS');
}

function keyNamed(id: string | null, keys: readonly ConfigKey[]): ConfigKey {
  const key = id === null ? keys[0] : keys.find((one) => one.id === id);
  if (key !== undefined) return key;
  throw new SluiceError('SLU_USAGE', `there is no key ${id}; there are ${keys.map((one) => one.id).join(', ')}`);
}

function placeOf({ file, subject, signatureFile }: SigningQuestion): { subject: string; signatureFile: string } {
  return { subject: subject ?? basename(file), signatureFile: signatureFile ?? file + SIGNATURE_ENDING };
}

/** Null: there is no such file. */
async function readIfThere(file: string): Promise<string | null> {
  try {
    return await DISK.readText(file);
  } catch (error) {
    const { cause } = error as { readonly cause?: NodeJS.ErrnoException };
    if (error instanceof SluiceError && cause?.code === 'ENOENT') return null;
    throw error;
  }
}
