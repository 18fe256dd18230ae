/**
 * Builds what the process does at its own limits from a sound document.
 */

import type { ProfilesConfig, SaturationConfig } from '../../../model/threads/load/saturation.ts';
import { DEFAULT_SATURATION } from '../../defaults.ts';
import type { DocumentInput } from '../../schema.ts';
import { toBytes, toMs } from '../values.ts';

type SaturationInput = NonNullable<DocumentInput['saturation']>;

/** With its defaults, in ms and bytes. */
export function buildSaturation({ response, delay, memory, profiles }: SaturationInput = {}): SaturationConfig {
  return {
    acts: response === undefined ? DEFAULT_SATURATION.acts : response === 'shed',
    delayMs: toMs(delay, DEFAULT_SATURATION.delayMs),
    memoryBytes: memory === undefined ? DEFAULT_SATURATION.memoryBytes : toBytes(memory, 0),
    profiles: buildProfiles(profiles),
  };
}

function buildProfiles(input: SaturationInput['profiles'] = {}): ProfilesConfig {
  const defaults = DEFAULT_SATURATION.profiles;
  return {
    directory: input.directory ?? defaults.directory,
    keep: input.keep ?? defaults.keep,
    bytesMax: toBytes(input.bytesMax, defaults.bytesMax),
    lengthMs: toMs(input.length, defaults.lengthMs),
    cooldownMs: toMs(input.cooldown, defaults.cooldownMs),
  };
}
