/**
 * What documents are called where they are signed, and where their signatures lie.
 *
 * ```
 * a file                 its name           gateway.yaml      beside it, gateway.yaml.sig
 * <prefix>/routes/shop   after the prefix   routes/shop       <prefix>/signatures/routes/shop
 * http://c.test/x.yaml   the last segment   x.yaml            http://c.test/x.yaml.sig
 * ```
 */

import { basename } from 'node:path';
import type { SourceDocument } from '../pieces.ts';

/** After the name of a file, or of the last segment of a URL. */
export const SIGNATURE_ENDING = '.sig';
/** Of a URL that ends with a slash. */
const NAMELESS = 'config';

/** What a document is called where it is signed. Must not be a signature itself. */
export function subjectOf({ name, mount, isForeign }: SourceDocument): string {
  if (!isForeign) return basename(name);
  switch (mount.kind) {
    case 'route':
      return `routes/${mount.name}`;
    case 'service':
      return `services/${mount.name}`;
    case 'weights':
      return `weights/${mount.name}`;
    case 'root':
      return mount.file ?? NAMELESS;
    default:
      return name;
  }
}

/** The last segment of a URL's path. */
export function fileOfUrl(url: string): string {
  const { pathname } = new URL(url);
  return pathname.slice(pathname.lastIndexOf('/') + 1) || NAMELESS;
}
