/**
 * The measure of the heat map: how long a cell is, and how many there are.
 */

/** Seconds of a cell. */
export const HEAT_S = 15;
/** Cells of a row: five minutes. */
export const HEAT_BUCKETS = 20;
