/**
 * Builds what the configuration says of colors from a sound document: defaults filled in, header names in lower case.
 */

import type { ColorConfig } from '../../model/threads/color.ts';
import { DEFAULT_COLOR } from '../defaults.ts';
import type { ColorInput } from '../schema.ts';

/** Builds the settings. `input` must have passed the schema. */
export function buildColor(input: ColorInput = {}): ColorConfig {
  return {
    header: (input.header ?? DEFAULT_COLOR.header).toLowerCase(),
    acceptFrom: input.acceptFrom ?? DEFAULT_COLOR.acceptFrom,
    query: input.query ?? DEFAULT_COLOR.query,
    cookie: input.cookie ?? DEFAULT_COLOR.cookie,
    baggage: input.baggage ?? DEFAULT_COLOR.baggage,
  };
}
