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
  /** Why what they held was passed over, and this is the time of what was gone on with in its place; empty: it was not. */
  readonly passedOver: string;
}

/** As it is saved. */
export function packConfirmed(confirmed: Confirmed): Uint8Array {
  return Buffer.from(JSON.stringify(confirmed));
}

/** @throws Error when it is damaged */
export function confirmedOf(bytes: Uint8Array): Confirmed {
  const { hash, at, passedOver = '' } = JSON.parse(Buffer.from(bytes).toString()) as Partial<Confirmed>;
  const areTexts = typeof hash === 'string' && typeof at === 'string' && typeof passedOver === 'string';
  if (areTexts && !Number.isNaN(Date.parse(at))) return { hash, at, passedOver };
  throw new Error('what is noted of when the sources confirmed a configuration is not sound');
}
