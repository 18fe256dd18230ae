/**
 * Checks the objectives of each route: no ignored path twice.
 */

import type { Report } from '../problems/report.ts';
import type { Draft } from './draft.ts';
import { checkUnique } from './lists.ts';

/** Reports what is wrong inside the objectives of each sound route. */
export function checkSlos(draft: Draft, report: Report): void {
  for (const [index, route] of draft.routes.entries()) {
    const paths = route?.slo?.ignorePaths;
    if (paths !== undefined) checkUnique(paths, ['routes', index, 'slo', 'ignorePaths'], report, (path) => path);
  }
}
