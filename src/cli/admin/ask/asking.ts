/**
 * Asking a running gateway: whom, and what is said when nobody answers or the answer is no.
 */

import { visible, visibleLines } from '../../../lib/text/visible.ts';
import { type CliDeps, EXIT } from '../../deps.ts';
import { DEFAULT_ADMIN, reasonOf } from './client.ts';

/** The admin server that a command asks: `--admin`, else `SLUICE_ADMIN`, else the default. */
export function adminOf(option: string | undefined, { env }: CliDeps): string {
  return option ?? env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN;
}

/** What came of a question. */
export type Asked<T> = { readonly answer: T } | { readonly exit: number };

/**
 * Asks the admin server at `adminUrl`. Whoever cannot be reached is told of, with an exit code of its own; what is done with the
 * answer is not guarded here, so that its mistakes are not taken for the server's.
 */
export async function asking<T>(
  adminUrl: string,
  deps: CliDeps,
  ask: (adminUrl: string) => Promise<T>,
): Promise<Asked<T>> {
  try {
    return { answer: await ask(adminUrl) };
  } catch (error) {
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${visible(reasonOf(error))}\n`);
    return { exit: EXIT.unreachable };
  }
}

/** Says why something was refused. @param status of the answer; 401: the token was missing or wrong @returns the exit code */
export function refuse(because: string, deps: CliDeps, status = 0): number {
  deps.stderr.write(`sluice: ${visibleLines(because)}${status === 401 ? '; set SLUICE_ADMIN_TOKEN' : ''}\n`);
  return EXIT.failed;
}
