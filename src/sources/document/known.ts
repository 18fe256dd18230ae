/**
 * What was found sound and built before: neither checked nor built again while it, and what it refers to, is the same object.
 *
 * Documents that did not change are not read again, so their values are the same objects as before. A value must never be
 * changed in place.
 */

import type { RouteConfig, ServiceConfig } from '../../model/config.ts';
import { servicesOf } from '../checks/references.ts';
import type { RouteInput, ServiceInput } from '../schema.ts';
import type { Part } from './part.ts';

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

/** A route with the weights of a document. */
export interface KnownWeighing {
  /** As it was by itself. */
  readonly route: RouteInput;
  /** What it refers to. */
  readonly services: KnownRoute['services'];
  readonly weighed: RouteInput;
}

interface KnownService {
  readonly config: ServiceConfig;
  isQuiet: boolean;
}

/** Remembers as long as somebody holds the values. */
export class Known {
  readonly #routes = new WeakMap<RouteInput, KnownRoute>();
  readonly #services = new WeakMap<ServiceInput, KnownService>();
  readonly #weighings = new WeakMap<Part, KnownWeighing>();
  readonly #noted = new WeakMap<Part, { readonly built: RouteConfig; readonly noted: RouteConfig }>();

  /** What is known of a route together with the services that it refers to now. */
  route(route: RouteInput, serviceOf: ServiceOf): KnownRoute | null {
    const known = this.#routes.get(route);
    return known !== undefined && isSame(known.services, serviceOf) ? known : null;
  }

  keepRoute(route: RouteInput, serviceOf: ServiceOf, config: RouteConfig): void {
    this.#routes.set(route, { config, services: referredBy(route, serviceOf), isQuiet: false });
  }

  /** The route with the weights of a document, as it was made of the same before. */
  weighed(weights: Part, route: RouteInput, serviceOf: ServiceOf): RouteInput | null {
    const known = this.#weighings.get(weights);
    return known?.route === route && isSame(known.services, serviceOf) ? known.weighed : null;
  }

  keepWeighed(weights: Part, route: RouteInput, serviceOf: ServiceOf, weighed: RouteInput): void {
    this.#weighings.set(weights, { route, services: referredBy(route, serviceOf), weighed });
  }

  /** What was built of a weighed route, with the origin of its weights: one that was built of the same has the same origin. */
  noted(weights: Part, built: RouteConfig): RouteConfig | null {
    const known = this.#noted.get(weights);
    return known?.built === built ? known.noted : null;
  }

  keepNoted(weights: Part, built: RouteConfig, noted: RouteConfig): void {
    this.#noted.set(weights, { built, noted });
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

function referredBy(route: RouteInput, serviceOf: ServiceOf): KnownRoute['services'] {
  return servicesOf(route).map((name) => ({ name, service: serviceOf(name) as ServiceInput }));
}

function isSame(services: KnownRoute['services'], serviceOf: ServiceOf): boolean {
  return services.every(({ name, service }) => serviceOf(name) === service);
}
