/** Limits and time limits for tests: the defaults of the configuration, but for the short times, which a busy machine may stand still for. */

import type { Timeouts } from '#src/model/config.ts';
import { DEFAULT_TIMEOUTS } from '#src/sources/defaults.ts';

export { DEFAULT_LIMITS as LIMITS } from '#src/sources/defaults.ts';

/** A test of one of them sets it. */
const PATIENCE_MS = 60_000;

export const TIMEOUTS: Timeouts = { ...DEFAULT_TIMEOUTS, connectMs: PATIENCE_MS, pendingMs: PATIENCE_MS };
