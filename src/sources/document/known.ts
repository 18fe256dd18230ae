/**
 * What was found sound and built before: neither checked nor built again while it, and what it refers to, is the same object.
 *
 * Documents that did not change are not read again, so their values are the same objects as before. A value must never be
 * changed in place.
 */

import type { RouteConfig, ServiceConfig } from '../../model/config.ts';
import { servicesOf } from '../checks/references.ts';
import type { RouteInput, ServiceInput } from '../schema.ts';

/** A service of the document by its name; anything but an object: there is none, or none that is sound. */
export type ServiceOf = (name: string) => ServiceInput | null | undefined;

/** A route that was found sound. */
export interface KnownRoute {
  readonly config: RouteConfig;
  /** What it refers to. */
  readonly services: readonly { readonly name: string; readonly service: ServiceInput }[];
  /** There is nothing to warn of in the route by itself. */
  isQuiet: boolean;
}

interface KnownService {
  readonly config: ServiceConfig;
  isQuiet: boolean;
}

/** Remembers as long as somebody holds the values. */
export class Known {
  readonly #routes = new WeakMap<RouteInput, KnownRoute>();
  readonly #services = new WeakMap<ServiceInput, KnownService>();

  /** What is known of a route together with the services that it refers to now. */
  route(route: RouteInput, serviceOf: ServiceOf): KnownRoute | null {
    const known = this.#routes.get(route);
    if (known === undefined) return null;
    for (const { name, service } of known.services) if (serviceOf(name) !== service) return null;
    return known;
  }

  keepRoute(route: RouteInput, serviceOf: ServiceOf, config: RouteConfig): void {
    const services = servicesOf(route).map((name) => ({ name, service: serviceOf(name) as ServiceInput }));
    this.#routes.set(route, { config, services, isQuiet: false });
  }

  /** What is known of a service; one value may stand under two names. */
  service(name: string, service: ServiceInput): KnownService | null {
    const known = this.#services.get(service);
    return known?.config.name === name ? known : null;
  }

  keepService(service: ServiceInput, config: ServiceConfig): void {
    this.#services.set(service, { config, isQuiet: false });
  }
}
