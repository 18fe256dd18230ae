/**
 * The parts of a document that are sound on their own, so that references between them can be checked at once with the
 * faults of the others: one wrong field in a route hides no problem of any other route.
 */

import { Known, type KnownRoute } from '../document/known.ts';
import type { Path } from '../problems/report.ts';
import type { AdminInput, DocumentInput, ListenInput, RouteInput, ServiceInput } from '../schema.ts';

/** A document with the faulty parts taken out. */
export interface Draft {
  /** Every service named in the document, null when something inside it is wrong; null when not all names are known. */
  readonly services: ReadonlyMap<string, ServiceInput | null> | null;
  /** By index of the document; null when something inside it is wrong. */
  readonly routes: readonly (RouteInput | null)[];
  /** By index: the route was found sound before, with the same services. Checks of a route by itself may pass it by. */
  readonly soundRoutes: readonly (KnownRoute | null)[];
  /** Names of services that were found sound before. */
  readonly soundServices: ReadonlySet<string>;
  readonly listen: ListenInput | null | undefined;
  readonly listeners: DocumentInput['listeners'] | null;
  readonly admin: AdminInput | null | undefined;
  readonly trustedProxies: DocumentInput['trustedProxies'] | null;
  readonly limits: DocumentInput['limits'] | null;
  readonly color: DocumentInput['color'] | null;
  readonly overload: DocumentInput['overload'] | null;
  readonly discovery: DocumentInput['discovery'] | null;
  readonly fleet: DocumentInput['fleet'] | null;
  /** Null unless every section is sound: warnings are for documents that are accepted. */
  readonly whole: DocumentInput | null;
}

/** Takes the parts at `faultyPaths` out of `value`, the document as it was read. */
export function draftOf(value: unknown, faultyPaths: readonly Path[], known: Known = new Known()): Draft {
  const document = isMapping(value) ? value : {};
  const faulty = new Set(faultyPaths.map(([section = '', part = '']) => `${section}\n${part}`));
  const sections = new Set(faultyPaths.map((path) => path[0]));
  const sound = <T>(section: string): T | null => (sections.has(section) ? null : (document[section] as T));
  const listed = Array.isArray(document['routes']) ? (document['routes'] as unknown[]) : [];
  const routes = listed.map((route, index) =>
    faulty.size > 0 && faulty.has(`routes\n${index}`) ? null : (route as RouteInput),
  );
  const services = faulty.has('services\n') || faulty.has('\n') ? null : servicesOf(document['services'], faulty);
  const serviceOf = (name: string): ServiceInput | null | undefined => services?.get(name);
  return {
    services,
    routes,
    soundRoutes: routes.map((route) => (route === null || services === null ? null : known.route(route, serviceOf))),
    soundServices: soundOf(services, known),
    listen: sound<ListenInput>('listen'),
    listeners: sound<DocumentInput['listeners']>('listeners'),
    admin: sound<AdminInput>('admin'),
    trustedProxies: sound<DocumentInput['trustedProxies']>('trustedProxies'),
    limits: sound<DocumentInput['limits']>('limits'),
    color: sound<DocumentInput['color']>('color'),
    overload: sound<DocumentInput['overload']>('overload'),
    discovery: sound<DocumentInput['discovery']>('discovery'),
    fleet: sound<DocumentInput['fleet']>('fleet'),
    whole: faultyPaths.length === 0 ? (value as DocumentInput) : null,
  };
}

function servicesOf(value: unknown, faulty: ReadonlySet<string>): Map<string, ServiceInput | null> {
  const services = isMapping(value) ? Object.entries(value) : [];
  return new Map(
    services.map(([name, service]) => [name, faulty.has(`services\n${name}`) ? null : (service as ServiceInput)]),
  );
}

/** Whether what is to say of a route by itself, and of what it refers to, was said. */
export function isSound({ soundRoutes }: Draft, index: number): boolean {
  return (soundRoutes[index] ?? null) !== null;
}

function soundOf(services: Draft['services'], known: Known): ReadonlySet<string> {
  const sound = new Set<string>();
  for (const [name, service] of services ?? []) {
    if (service !== null && known.service(name, service) !== null) sound.add(name);
  }
  return sound;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
