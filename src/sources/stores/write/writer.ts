/**
 * The contract of every store that weights can be written to: one document, changed by compare-and-set.
 *
 * ```
 * read ─▶ text, revision ─▶ write(text, revision) ─┬─ written        the store says so
 *                                                  ├─ conflict       somebody else has written since: nothing was changed
 *                                                  ├─ refused        certainly not written, and why
 *                                                  └─ unconfirmed    nobody knows: the answer was lost
 * ```
 * No write is repeated after a lost answer, and none is taken for done because the text is there: somebody else may have
 * written the same.
 */

import { isUnbelieved } from '../../../lib/text/handshake.ts';

/** A document as it is kept. */
export interface Kept {
  /** Null: there is none. */
  readonly text: string | null;
  /** Of the store's own making; `NO_REVISION` where there is none. */
  readonly revision: string;
}

/** What to write against when there is no document yet. */
export const NO_REVISION = '0';

/** Largest weights document that is read, in bytes: some 500 versions with the longest names. */
export const WEIGHTS_BYTES_MAX = 65_536;

/** Longest exchange with a store that an operator waits for, the look after a conflict included. */
export const STORE_MS = 9000;

/** What became of a write. */
export type Written =
  | { readonly kind: 'written'; readonly revision: string }
  /** `present`: what is kept now; null when that could not be read. */
  | { readonly kind: 'conflict'; readonly present: Kept | null }
  | { readonly kind: 'refused' | 'unconfirmed'; readonly because: string };

/** Where the weights of routes are kept. */
export interface WeightsStore {
  /** What problems call the document of a route. */
  documentOf(route: string): string;
  /** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` */
  read(route: string, signal: AbortSignal): Promise<Kept>;
  /** Replaces the document of a route if it still has `revision`. Never throws for what the store does. */
  write(route: string, text: string, revision: string, signal: AbortSignal): Promise<Written>;
  /** Lets go of connections. Idempotent. */
  close(): void;
}

/** The present state after a refused comparison; null when it cannot be read. */
export async function presentOf(read: () => Promise<Kept>): Promise<Kept | null> {
  try {
    return await read();
  } catch {
    // The conflict is certain without it, and whoever asks again is told why the store does not answer.
    return null;
  }
}

/** What a failure of a write means: before anything was sent it is certain that nothing was written. */
export function failedWrite(error: unknown): Written {
  const because = error instanceof Error ? error.message : String(error);
  return { kind: isUnsent(error) ? 'refused' : 'unconfirmed', because };
}

const UNSENT = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND']);

/** Whether the connection that was to carry the request never came about. */
function isUnsent(error: unknown): boolean {
  const { code = '', syscall = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return UNSENT.has(code) || isUnbelieved(code) || syscall === 'connect' || syscall === 'getaddrinfo';
}
