/**
 * Keeps the compiled form of the program's modules between runs, so that a short command does not compile them each time.
 *
 * What is compiled is run: so the folder must be the user's own, and nobody else may write to it. Without such a folder nothing
 * is kept. Modules are named by their content: a change of the program is never run in its old form.
 */

import { mkdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const FOLDER = 'sluice';
const OWN_ONLY = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Begins to use the cache. `NODE_COMPILE_CACHE` names another folder, `NODE_DISABLE_COMPILE_CACHE=1` turns it off.
 * @returns the folder; null: nothing is kept
 */
export function useCompileCache(environment: Environment, enable = enableCompileCache): string | null {
  const folder = cacheFolder(environment);
  if (folder === null || !isOurs(folder)) return null;
  return enable(folder).directory ?? null;
}

/** Where users keep such things: `$XDG_CACHE_HOME`, else `~/.cache`, of Windows `%LOCALAPPDATA%`. Null: nowhere. */
export function cacheFolder(environment: Environment, platform: string = process.platform): string | null {
  const { XDG_CACHE_HOME: xdg = '', HOME: home = '', LOCALAPPDATA: local = '' } = environment;
  if (platform === 'win32') return local === '' ? null : join(local, FOLDER, 'compiled');
  if (xdg.startsWith('/')) return join(xdg, FOLDER, 'compiled');
  return home.startsWith('/') ? join(home, '.cache', FOLDER, 'compiled') : null;
}

/** Whether the folder is there, is ours, and ours alone to write to. A cache is no need: whatever fails, there is none. */
function isOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: OWN_ONLY });
    const { uid, mode } = statSync(folder);
    const self = process.geteuid?.();
    return self === undefined || (uid === self && (mode & WRITABLE_BY_OTHERS) === 0);
  } catch {
    return false;
  }
}
