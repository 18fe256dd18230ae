/**
 * An admin server that has a token, and can do what a test says; everything else is refused.
 */

import type { TestContext } from 'node:test';
import type { AdminActions } from '#src/admin/commands.ts';
import type { DebugActions } from '#src/admin/process/debug.ts';
import type { SteerActions } from '#src/admin/process/steer.ts';
import type { TapSource } from '#src/admin/process/tap.ts';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import type { AdminView } from '#src/admin/view.ts';
import { recordedDeps } from '../cli.ts';
import { sampleView } from './view.ts';

export const TOKEN = 'sixteen-visible-characters';

/** Commands that are all refused. */
export const NO_ACTIONS: AdminActions = {
  tokenHash: () => hashToken(TOKEN),
  command: () => ({ kind: 'refused', detail: 'not here' }),
  restore: () => ({ kind: 'refused', detail: 'not here' }),
  configure: () => Promise.resolve({ kind: 'refused', detail: 'not here' }),
  stopFaults: () => ({ kind: 'refused', detail: 'not here' }),
  restart: () => ({ kind: 'refused', detail: 'not here' }),
  setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' }),
  onRefused: () => undefined,
};

export interface AdminParts {
  readonly view?: Partial<AdminView>;
  readonly steer?: SteerActions;
  readonly debug?: DebugActions;
  readonly taps?: TapSource;
}

/** Its URL; it ends with the test. */
export async function adminFor(context: TestContext, { view = {}, ...parts }: AdminParts = {}): Promise<string> {
  const options = { address: { host: '127.0.0.1', port: 0 }, view: sampleView(view), actions: NO_ACTIONS, ...parts };
  const admin = await startAdmin(options);
  context.after(() => admin.close());
  return admin.url;
}

/** Surroundings of a command that asks the server at `url`. @param token empty: none */
export function depsOf(url: string, token = TOKEN) {
  return recordedDeps({ env: { SLUICE_ADMIN: url, ...(token !== '' && { SLUICE_ADMIN_TOKEN: token }) } });
}
