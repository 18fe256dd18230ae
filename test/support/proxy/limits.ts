/** Limits and time limits for tests: the defaults of the configuration. */
export { DEFAULT_LIMITS as LIMITS, DEFAULT_TIMEOUTS as TIMEOUTS } from '#src/sources/defaults.ts';
