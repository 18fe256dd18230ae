/**
 * Checks what the document asks of the process: two listeners that exclude one another, limits that contradict one
 * another, more routes, endpoints or rollouts than there are counters (model/tallies.ts).
 */

import { isIP } from 'node:net';
import type { ListenAddress } from '../../model/config.ts';
import { ENDPOINTS_MAX, GATEWAY_CELL, UNITS_MAX } from '../../model/tallies.ts';
import { buildLimits } from '../build/config.ts';
import { buildListen } from '../build/process/own.ts';
import { backendRefsOf } from '../build/route.ts';
import { buildEndpoint, buildService, isListed, listedOf } from '../build/service.ts';
import { DEFAULT_ADMIN, DEFAULT_LISTEN } from '../defaults.ts';
import { LOOKUPS_MAX, lookupKey } from '../follow/discover/lookup.ts';
import type { Path, Report } from '../problems/report.ts';
import { formatAddress } from '../scalars/address.ts';
import type { ListenInput, ServiceInput } from '../schema.ts';
import type { Draft } from './draft.ts';
import { servicesOf } from './references.ts';

/** Reports what could not be served as a whole. */
export function checkCapacity(draft: Draft, report: Report): void {
  checkListeners(draft, report);
  checkProxied(draft, report);
  checkLimits(draft, report);
  checkCounters(draft, report);
}

function checkListeners({ listen, listeners, admin }: Draft, report: Report): void {
  if (listen === null || listeners === null || admin === null) return;
  const proxy = buildListen(listen, DEFAULT_LISTEN);
  const others = (listeners ?? []).map((one) => buildListen(one, DEFAULT_LISTEN));
  const taken = [proxy];
  others.forEach((address, index) => {
    const twin = taken.find((one) => overlap(one, address));
    if (twin !== undefined) {
      const got = `${formatAddress(address)} beside ${formatAddress(twin)}`;
      report.add(['listeners', index], { kind: 'sameAddress', expected: 'an address that no other listener has', got });
    }
    taken.push(address);
  });
  const other = buildListen(admin, DEFAULT_ADMIN);
  const twin = taken.find((one) => overlap(one, other));
  if (twin === undefined) return;
  const expected = 'an admin address other than the data plane’s';
  const got = `${formatAddress(other)} beside ${formatAddress(twin)}`;
  report.add([admin === undefined ? 'listen' : 'admin'], { kind: 'sameAddress', expected, got });
}

/** Nobody could connect, or nobody's header would ever be read. */
function checkProxied({ listen, listeners, trustedProxies }: Draft, report: Report): void {
  if (trustedProxies === null || (trustedProxies ?? []).length > 0) return;
  const expected = 'trustedProxies beside proxyProtocol';
  const hint = 'name the balancers whose headers are to be believed';
  const check = (one: ListenInput | null | undefined, path: Path): void => {
    if (typeof one !== 'object' || one === null || (one.proxyProtocol ?? 'off') === 'off') return;
    report.add([...path, 'proxyProtocol'], { kind: 'proxiedByNobody', expected, got: 'nobody', hint });
  };
  check(listen, ['listen']);
  (listeners ?? []).forEach((one, n) => check(one, ['listeners', n]));
}

function overlap(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return a.host === b.host || isEvery(a.host) || isEvery(b.host);
}

function isEvery(host: string): boolean {
  return isIP(host) > 0 && (host === '0.0.0.0' || host === '::');
}

function checkLimits({ limits }: Draft, report: Report): void {
  if (limits === null) return;
  const { requestLineBytesMax, headBytesMax } = buildLimits(limits);
  if (headBytesMax >= requestLineBytesMax) return;
  const field = limits?.headBytesMax === undefined ? 'requestLineBytesMax' : 'headBytesMax';
  const expected = 'headBytesMax at or above requestLineBytesMax';
  report.add(['limits', field], { kind: 'limitsOrder', expected, got: `${headBytesMax} below ${requestLineBytesMax}` });
}

function checkCounters(draft: Draft, report: Report): void {
  const routes = draft.routes.filter((route) => route !== null);
  let cellCount = routes.length;
  for (const route of routes) {
    const fallbacks = (route.fallback ?? []).filter(({ service }) => service !== undefined);
    cellCount += backendRefsOf(route).length + fallbacks.length;
  }
  const rollouts = routes.flatMap(({ rollout }) => rollout ?? []);
  const unitCount = rollouts.reduce((sum, rollout) => sum + 2 * (1 + (rollout.routes ?? []).length), 0);
  const endpointCount = countEndpoints(draft);
  const counts = [
    { what: 'routes plus backendRefs plus fallback services', count: cellCount, max: GATEWAY_CELL, section: 'routes' },
    { what: 'versions under a rollout', count: unitCount, max: UNITS_MAX, section: 'routes' },
    { what: 'questions for endpoints', count: countLookups(draft), max: LOOKUPS_MAX, section: 'services' },
    { what: 'different endpoints', count: endpointCount, max: ENDPOINTS_MAX, section: 'services' },
  ];
  for (const { what, count, max, section } of counts) {
    if (count <= max) continue;
    report.add([section], { kind: 'tooMany', expected: `at most ${max} ${what}`, got: String(count) }, 'key');
  }
}

function countLookups(draft: Draft): number {
  const keys = new Set<string>();
  for (const [name, service] of draft.services ?? []) {
    if (service === null || Object.values(service.versions).every(({ endpoints }) => isListed(endpoints))) continue;
    for (const { from } of buildService(name, service).versions) if (from !== undefined) keys.add(lookupKey(from));
  }
  return keys.size;
}

/** Different addresses of the services that routes send to: only those get counters. */
function countEndpoints(draft: Draft): number {
  const addresses = new Set<string>();
  const used = new Set(draft.routes.flatMap((route) => (route === null ? [] : servicesOf(route))));
  for (const [name, service] of draft.services ?? []) {
    if (service === null || !used.has(name)) continue;
    for (const address of addressesOf(service)) addresses.add(address);
  }
  return addresses.size;
}

/** By service: those of all are asked for at every change of one. */
const addressesByService = new WeakMap<ServiceInput, readonly string[]>();

function addressesOf(service: ServiceInput): readonly string[] {
  const known = addressesByService.get(service);
  if (known !== undefined) return known;
  const endpoints = Object.values(service.versions).flatMap(listedOf);
  const made = endpoints.map((endpoint) => formatAddress(buildEndpoint(endpoint)));
  addressesByService.set(service, made);
  return made;
}
