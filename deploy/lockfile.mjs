/** What of the lockfile is there at run time. */

import { readFileSync } from 'node:fs';

/** @typedef {{ dev?: boolean, link?: boolean, devDependencies?: object }} Locked */
/** @typedef {{ packages: Record<string, Locked> }} Lockfile */

/** The repository's. */
export function readLockfile() {
  return /** @type {Lockfile} */ (JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')));
}

/**
 * Folders of the packages, relative to the repository's root, with what is locked of them.
 * @param {Lockfile} lockfile
 */
export function runtimePackages({ packages }) {
  return Object.entries(packages).filter(
    ([folder, { dev, link }]) => folder.startsWith('node_modules/') && dev !== true && link !== true,
  );
}
