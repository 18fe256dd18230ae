/**
 * When the sources last said that they hold what was accepted of them, as it is saved: JSON.
 *
 * A configuration that was accepted a year ago and confirmed a minute ago is not old.
 */

/** What the sources held, and when they last said so. */
export interface Confirmed {
  /** Hash of the configuration that they were together. */
  readonly hash: string;
  /** Wall clock, ISO 8601. */
  readonly at: string;
}

/** As it is saved. */
export function packConfirmed(confirmed: Confirmed): Uint8Array {
  return Buffer.from(JSON.stringify(confirmed));
}

/** @throws Error when it is damaged */
export function confirmedOf(bytes: Uint8Array): Confirmed {
  const { hash, at } = JSON.parse(Buffer.from(bytes).toString()) as Partial<Confirmed>;
  if (typeof hash === 'string' && typeof at === 'string' && !Number.isNaN(Date.parse(at))) return { hash, at };
  throw new Error('what is noted of when the sources confirmed a configuration is not sound');
}
