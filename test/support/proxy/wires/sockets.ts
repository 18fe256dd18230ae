/**
 * What a process has open: who counts it needs a process of its own.
 */

/** TCP connections that this process has open, whoever they belong to. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}
