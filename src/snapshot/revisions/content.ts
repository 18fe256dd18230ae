/**
 * Contents of configurations, packed: whole, or as what they have that another one has not.
 *
 * ```
 * whole ◀─ difference    so that a change of one of 10,000 routes is packed, kept and written as one route
 *       ◀─ difference    always to a whole one: who reads it needs two of them, however long the history is
 * ```
 * A whole one is made anew as soon as so many routes and services differ from it that this costs less in the long run: where each
 * change adds one to every difference that comes after it, that is after the square root of how many there are. Half of that is
 * taken, so that small configurations are always whole.
 */

import type { Config } from '../../model/config.ts';
import { editsOf } from '../../model/threads/parsing/edits.ts';
import { type Difference, nameOf, packConfig, packDifference, unpackConfig, unpackDifference } from './packed.ts';

/** What a configuration is. */
export interface Content {
  /** Names it in rows (packed.ts). */
  readonly name: string;
  readonly packed: Uint8Array;
  /** What it is a difference to; its name, where that is not known yet; null: it is whole. */
  base: Content | string | null;
  /** The same, as long as differences to it are made. */
  config: Config | null;
}

/** Packs one configuration after another. */
export class Packer {
  #base: Content | null = null;

  /**
   * Not to be called while it packs. Cost: packed.ts, and O(services + routes) comparisons.
   * @param bytesMax what a difference may take together with what it is one to
   */
  async pack(config: Config, bytesMax = Number.POSITIVE_INFINITY): Promise<Content> {
    const base = this.#base;
    const difference = base === null ? null : differenceOf(base.config as Config, config);
    if (base !== null && difference !== null) {
      const packed = await packDifference(difference);
      if (base.packed.length + packed.length <= bytesMax) return contentOf(packed, base);
    }
    const whole = contentOf(await packConfig(config), null);
    if (base !== null) base.config = null;
    whole.config = config;
    this.#base = whole;
    return whole;
  }
}

/** @param base what it is a difference to, or its name; null: it is whole */
export function contentOf(packed: Uint8Array, base: Content['base']): Content {
  return { name: nameOf(packed), packed, base, config: null };
}

/** The configuration again; what it has in common with one that is held is the same object. @throws Error when that is not possible */
export function configOf({ packed, base, config }: Content): Config {
  if (config !== null) return config;
  if (base === null) return unpackConfig(packed);
  if (typeof base === 'string') throw new Error('what it is a difference to is not kept');
  return unpackDifference(packed, configOf(base));
}

/** Null: it is sooner packed whole. */
function differenceOf(base: Config, config: Config): Difference | null {
  const services = editsOf(base.services, config.services);
  const routes = editsOf(base.routes, config.routes);
  const added = [...services, ...routes].reduce((sum, edit) => sum + ('add' in edit ? edit.add.length : 0), 0);
  const isSmall = (2 * added) ** 2 <= config.services.length + config.routes.length;
  return isSmall ? { ...config, services, routes } : null;
}
