/**
 * Finds what is allowed in a document but probably not meant. The document must be sound.
 */

import { COMPARED_ANSWERS } from '../../model/threads/requests/compared.ts';
import { buildLimits } from '../build/config.ts';
import { buildCompare } from '../build/filters.ts';
import { requestTimeoutOf } from '../build/route.ts';
import { buildEndpoint, isListed, listedOf } from '../build/service.ts';
import type { Known, KnownRoute } from '../document/known.ts';
import { quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import { formatAddress } from '../scalars/address.ts';
import { parseDuration } from '../scalars/duration.ts';
import type { DocumentInput, ServiceInput } from '../schema.ts';
import { servicesOf } from './references.ts';
import { warnOfRoutes } from './route/warnings.ts';

/** A document that is built. */
export interface Built {
  readonly document: DocumentInput;
  /** All of it. */
  readonly known: Known;
  /** Routes that were known before, by index. */
  readonly soundRoutes: readonly (KnownRoute | null)[];
}

/** Reports warnings about a document. */
export function warn(built: Built, report: Report): void {
  const { document, known } = built;
  const used = new Set(document.routes.flatMap(servicesOf));
  for (const [name, service] of Object.entries(document.services)) {
    const path: Path = ['services', name];
    const fault = { kind: 'unusedService', expected: 'a route that sends to this service', got: 'none' } as const;
    if (!used.has(name)) report.add(path, fault, 'key');
    const memory = known.service(name, service);
    if (memory?.isQuiet === true) continue;
    const before = report.count;
    warnOfEndpoints(service, [...path, 'versions'], report);
    if (memory !== null) memory.isQuiet = report.count === before;
  }
  warnOfTrust(document, report);
  warnOfLatency(document, report);
  warnOfColors(document, report);
  warnOfComparisons(document, report);
  warnOfRoutes(built, report);
}

function warnOfEndpoints(service: ServiceInput, path: Path, report: Report): void {
  const owners = new Map<string, string>();
  for (const [name, version] of Object.entries(service.versions)) {
    const endpointsPath = [...path, name, 'endpoints'];
    if (isListed(version.endpoints) && version.endpoints.length === 0) {
      const expected = 'at least one endpoint';
      report.add(endpointsPath, { kind: 'emptyVersion', expected, hint: 'its weight counts as 0' });
    }
    for (const [index, endpoint] of listedOf(version).entries()) {
      const address = formatAddress(buildEndpoint(endpoint));
      const owner = owners.get(address);
      if (owner !== undefined && owner !== name) {
        const got = `${quote(address)}, which is in ${owner} too`;
        report.add([...endpointsPath, index], { kind: 'sharedEndpoint', expected: 'an endpoint of one version', got });
      }
      owners.set(address, name);
    }
  }
}

function warnOfTrust(document: DocumentInput, report: Report): void {
  const expected = 'endpoints that are verified';
  const fault = { kind: 'insecure', expected, got: 'insecure: true', hint: 'name their issuer in ca' } as const;
  for (const [name, service] of Object.entries(document.services)) {
    if (service.tls?.insecure === true) report.add(['services', name, 'tls', 'insecure'], fault);
    for (const [versionName, { tls }] of Object.entries(service.versions)) {
      if (tls?.insecure !== true) continue;
      report.add(['services', name, 'versions', versionName, 'tls', 'insecure'], fault);
    }
  }
}

function warnOfLatency(document: DocumentInput, report: Report): void {
  for (const [index, route] of document.routes.entries()) {
    const threshold = route.slo?.latency?.threshold;
    if (threshold === undefined) continue;
    const timeoutMs = requestTimeoutOf(route);
    if ((parseDuration(threshold) ?? 0) < timeoutMs) continue;
    const expected = `a threshold below the request timeout of ${timeoutMs} ms`;
    report.add(['routes', index, 'slo', 'latency', 'threshold'], { kind: 'slowNeverSeen', expected });
  }
}

/** Of an answer whose length nobody knows before its end, as much memory is claimed as it may have. */
function warnOfComparisons({ limits, routes }: DocumentInput, report: Report): void {
  const { compareBytesMax } = buildLimits(limits);
  for (const [index, { filters = [] }] of routes.entries()) {
    for (const [filterIndex, { requestMirror }] of filters.entries()) {
      if (requestMirror?.compare === undefined) continue;
      const { bodyBytesMax } = buildCompare(requestMirror.compare);
      if (COMPARED_ANSWERS * bodyBytesMax <= compareBytesMax) continue;
      const expected = `bodyBytesMax up to a third of limits.compareBytesMax, ${compareBytesMax} bytes`;
      const hint = 'three answers of that length are never compared';
      const fault = { kind: 'compareMemory', expected, got: `${bodyBytesMax} bytes`, hint } as const;
      report.add(['routes', index, 'filters', filterIndex, 'requestMirror', 'compare'], fault, 'key');
    }
  }
}

function warnOfColors(document: DocumentInput, report: Report): void {
  const { acceptFrom, jwt, signature } = document.color ?? {};
  if (acceptFrom === 'anyone' || jwt !== undefined || signature !== undefined) return;
  if ((document.trustedProxies ?? []).length > 0) return;
  for (const [name, service] of Object.entries(document.services)) {
    for (const [versionName, version] of Object.entries(service.versions)) {
      if ((version.colors ?? []).length === 0) continue;
      const expected = 'somebody who may choose a color';
      const hint = 'set trustedProxies, color.jwt or color.signature, or color.acceptFrom: anyone';
      const fault = { kind: 'colorUnreachable', expected, got: 'nobody', hint } as const;
      report.add(['services', name, 'versions', versionName, 'colors'], fault);
      return;
    }
  }
}
