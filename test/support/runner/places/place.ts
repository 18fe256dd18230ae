/**
 * A network of its own, as those see it who are started there (networks.ts).
 */

/** Where a process can be started, and how to get there. */
export interface Place {
  /** Goes before the command of whoever is to be there. */
  readonly command: readonly string[];
  /** Of its end of the cable. */
  readonly address: string;
  /** Resolves with a port of this process's loopback that leads to `port` of the loopback there. */
  door(port: number): Promise<number>;
  /** Resolves when `port` of the loopback there leads to the same of this process's. */
  window(port: number): Promise<void>;
}
