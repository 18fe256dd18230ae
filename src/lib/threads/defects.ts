/**
 * Tells of defects of the data plane: exceptions that nobody expected, which cost no more than the connection or exchange in whose
 * turn they came up (docs/adr/0038).
 */

/** Why something ended in whose turn there was one. */
export const DEFECT = 'a defect of the gateway';

let isTold = false;

/** The first one of a thread is told on standard error: all others would be told at a client's pace. */
export function tellDefect(error: unknown): void {
  if (!isTold) process.emitWarning(error instanceof Error ? error : String(error));
  isTold = true;
}
