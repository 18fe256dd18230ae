/**
 * Mounts the archive that the executable carries as a file system of the thread that runs this. The threads of the program have it
 * from Node as what is loaded first (`--import`); `start.mjs` loads it into the main one, where Node heeds no such option.
 */

import { constants } from 'node:os';
import { getRawAsset } from 'node:sea';
import { create, ZipProvider } from 'node:vfs';
import { ZipBuffer } from 'node:zlib';

const archive = new ZipBuffer(getRawAsset('package.zip'));

/** Knows at once what is not there, which the loader asks hundreds of times: Node's own provider would go through all names for it. */
class Package extends ZipProvider {
  /** @override @param {string} path @param {object} [options] @returns {import('node:fs').Stats} */
  statSync(path, options) {
    const name = path.slice(1);
    // Every folder is an entry of its own.
    if (name === '' || archive.has(name) || archive.has(`${name}/`)) return super.statSync(path, options);
    const error = new Error(`ENOENT: no such file or directory, stat '${path}'`);
    throw Object.assign(error, { code: 'ENOENT', errno: -constants.errno.ENOENT });
  }
}

/** Folder of the package. The first mount of a thread: the same in all of them, and in every process. */
export const root = create(new Package(archive)).mount();
