/**
 * What a process has open: who counts it shares a process only with others who do.
 */

import { eventually } from '../running.ts';

/** TCP connections that this process has open, whoever they belong to. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

/** Resolves once what other tests had open is gone. */
export function noSockets(): Promise<void> {
  return eventually(() => openSockets() === 0, 'what other tests had is gone');
}
