/**
 * The pin as it is saved: JSON, and nothing where there is none.
 */

import type { Pin } from '../../model/threads/revision.ts';

/** Empty: there is none. */
export function packPin(pin: Pin | null): Uint8Array {
  return pin === null ? new Uint8Array(0) : Buffer.from(JSON.stringify(pin));
}

/** @throws Error when it is damaged */
export function pinOf(bytes: Uint8Array): Pin {
  const pin = JSON.parse(Buffer.from(bytes).toString()) as Partial<Pin>;
  const texts = [pin.from, pin.hash, pin.at, pin.by, pin.reason];
  if (texts.every((text) => typeof text === 'string') && typeof pin.to === 'number') return pin as Pin;
  throw new Error('what is noted of a pinned configuration is not sound');
}
