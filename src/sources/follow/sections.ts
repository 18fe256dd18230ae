/**
 * What a whole document, the main one or a source's, says beside routes and services, by whether these have a say in it.
 *
 * A change of what concerns the gateway alone leaves routes and services as they are, and whatever is said of them: it takes no parse of theirs.
 */

import { isSame } from '../../model/threads/parsing/same.ts';
import type { DocumentInput } from '../schema.ts';

/**
 * Sections that no check and no warning holds against routes or services, and nothing of these is built of. Not among them: who may choose a
 * color, and whose token counts, the fleet that counts together, what answers and comparisons may take, names in alerts.
 */
const APART: ReadonlySet<string> = new Set([
  'listen',
  'listeners',
  'admin',
  'adminToken',
  'workers',
  'saturation',
  'http',
  'accessLog',
  'tracing',
  'timeouts',
  'drain',
  'state',
  'revisions',
] as const satisfies readonly (keyof DocumentInput)[]);

/** Whether two whole documents differ in nothing but sections that routes and services have no say in. Cost: as `isSame` of both. */
export function differApart(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): boolean {
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!APART.has(field) && !isSame(before[field], after[field])) return false;
  }
  return true;
}
