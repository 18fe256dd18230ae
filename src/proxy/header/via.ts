/**
 * `Via`: what a message passed through, and requests that go in circles. Hot path.
 *
 * Every gateway of this kind writes the same pseudonym, so that stacked ones look like one that was passed again. A
 * request therefore counts as looping only when the name stands there `PASSES_MAX` times: more than anybody stacks, few
 * enough that a loop costs little before it ends.
 * Source: RFC 9110 sections 7.6.3, 7.3; RFC 9209 section 2.3.30.
 */

import type { FieldTable } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';

/** The pseudonym in `Via` and `Proxy-Status`. */
export const GATEWAY_NAME = 'sluice';

/** A request with as many passages behind it is not passed on. */
export const PASSES_MAX = 8;

/** Has the request passed gateways of this kind too often? Cost: nothing to speak of without `Via`. */
export function isLooping(fields: FieldTable): boolean {
  return fields.seen(FIELD.via) > 0 && passesOf(fields.values(FIELD.via)) >= PASSES_MAX;
}

/** How often our name is the receiver in `Via` lines: `1.1 sluice`, `HTTP/1.1 Sluice (comment)`. */
export function passesOf(values: readonly string[]): number {
  let passes = 0;
  for (const value of values) {
    for (const element of value.split(',')) {
      const words = element.trim().split(/[ \t]+/, 2);
      if (words[1]?.toLowerCase() === GATEWAY_NAME) passes++;
    }
  }
  return passes;
}
