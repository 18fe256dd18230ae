/** What Node 26.10 has of `node:vfs` and its types have not. */

import type { Stats } from 'node:fs';
import type { ZipBuffer } from 'node:zlib';

declare module 'node:vfs' {
  class ZipProvider extends VirtualProvider {
    constructor(source: ZipBuffer);
    statSync(path: string, options?: object): Stats;
  }
  interface VirtualFileSystem {
    /** @returns where it is */
    mount(): string;
  }
}
