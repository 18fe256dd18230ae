/**
 * Checks each service by itself: endpoints listed twice, colors that two versions claim, durations that contradict.
 */

import { buildEndpoint, buildHealthCheck, buildOutlier, isListed, listedOf } from '../build/service.ts';
import { type Fault, quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import { formatAddress } from '../scalars/address.ts';
import { formatDuration } from '../scalars/duration.ts';
import type { ServiceInput } from '../schema.ts';
import type { Draft } from './draft.ts';

/** Reports what is wrong inside each sound service. */
export function checkServices(draft: Draft, report: Report): void {
  for (const [name, service] of draft.services ?? []) {
    if (service === null) continue;
    // What it refers to may have changed without it.
    checkRegistries(service, ['services', name, 'versions'], draft, report);
    if (draft.soundServices.has(name)) continue;
    checkEndpoints(service, ['services', name, 'versions'], report);
    checkColors(service, ['services', name, 'versions'], report);
    checkProtocols(service, ['services', name], report);
    checkAnnounced(service, ['services', name], report);
    checkGrpc(service, ['services', name], report);
    checkHealth(service, ['services', name], report);
    checkEjection(service, ['services', name], report);
  }
}

/** Name servers are the system's unless others are named; of Consul and etcd nothing is assumed. */
function checkRegistries(service: ServiceInput, path: Path, { discovery }: Draft, report: Report): void {
  if (discovery === null) return;
  for (const [name, { endpoints }] of Object.entries(service.versions)) {
    if (isListed(endpoints)) continue;
    for (const kind of ['consul', 'etcd'] as const) {
      if (endpoints[kind] === undefined || discovery?.[kind] !== undefined) continue;
      const fault: Fault = { kind: 'registryMissing', expected: `discovery.${kind} beside it`, got: 'none' };
      report.add([...path, name, 'endpoints', kind], fault, 'key');
    }
  }
}

function checkEndpoints(service: ServiceInput, path: Path, report: Report): void {
  for (const [name, version] of Object.entries(service.versions)) {
    const seen = new Set<string>();
    for (const [index, endpoint] of listedOf(version).entries()) {
      const address = formatAddress(buildEndpoint(endpoint));
      if (seen.has(address)) {
        const expected = 'every endpoint of a version once';
        report.add([...path, name, 'endpoints', index], { kind: 'duplicateEndpoint', expected });
      }
      seen.add(address);
    }
  }
}

function checkColors(service: ServiceInput, path: Path, report: Report): void {
  const owners = new Map(Object.keys(service.versions).map((name) => [name, name]));
  for (const [name, version] of Object.entries(service.versions)) {
    for (const [index, color] of (version.colors ?? []).entries()) {
      const owner = owners.get(color) ?? name;
      owners.set(color, owner);
      if (owner === name) continue;
      const got = `${quote(color)}, which pins ${owner} already`;
      const expected = 'a color that no other version of the service has';
      report.add([...path, name, 'colors', index], { kind: 'duplicateColor', expected, got });
    }
  }
}

/** A version has its service's protocol and TLS unless it says otherwise; what is the service's own fault is told once. */
function checkProtocols(service: ServiceInput, path: Path, report: Report): void {
  let isTold = false;
  for (const [name, version] of Object.entries(service.versions)) {
    const protocol = version.protocol ?? service.protocol;
    const hasTls = (version.tls ?? service.tls) !== undefined;
    if ((protocol !== 'h2' || hasTls) && (protocol !== 'h2c' || !hasTls)) continue;
    const isInherited = version.protocol === undefined;
    if (isInherited && isTold) continue;
    isTold ||= isInherited;
    const at = isInherited ? path : [...path, 'versions', name];
    const expected = protocol === 'h2' ? 'tls beside h2' : 'no tls beside h2c';
    const hint = protocol === 'h2' ? 'HTTP/2 without TLS is h2c' : 'HTTP/2 over TLS is h2';
    report.add([...at, 'protocol'], { kind: 'protocolTls', expected, got: hasTls ? 'tls' : 'none', hint });
  }
}

/** A connection in HTTP/2 is shared by all clients: it cannot begin with the address of one. */
function checkAnnounced(service: ServiceInput, path: Path, report: Report): void {
  let isTold = false;
  for (const [name, version] of Object.entries(service.versions)) {
    const announced = version.proxyProtocol ?? service.proxyProtocol ?? 'off';
    const protocol = version.protocol ?? service.protocol ?? 'http1';
    if (announced === 'off' || protocol === 'http1') continue;
    const isInherited = version.proxyProtocol === undefined;
    if (isInherited && isTold) continue;
    isTold ||= isInherited;
    const at = isInherited ? path : [...path, 'versions', name];
    const expected = `no proxyProtocol beside ${protocol}`;
    report.add([...at, 'proxyProtocol'], { kind: 'proxiedShared', expected, got: announced });
  }
}

/** What is said about gRPC is about endpoints that speak HTTP/2. */
function checkGrpc(service: ServiceInput, path: Path, report: Report): void {
  const protocols = Object.values(service.versions).map(({ protocol }) => protocol ?? service.protocol ?? 'http1');
  const expected = 'a version with another protocol than http1';
  if (service.grpcErrors !== undefined && protocols.every((protocol) => protocol === 'http1')) {
    report.add([...path, 'grpcErrors'], { kind: 'grpcIdle', expected, got: 'none' }, 'key');
  }
  if (service.healthCheck?.grpcService !== undefined && !protocols.includes('grpc')) {
    const fault = { kind: 'grpcIdle', expected: 'a version with protocol: grpc', got: 'none' } as const;
    report.add([...path, 'healthCheck', 'grpcService'], fault, 'key');
  }
}

function checkHealth({ healthCheck }: ServiceInput, path: Path, report: Report): void {
  if (healthCheck === undefined) return;
  const { intervalMs, timeoutMs } = buildHealthCheck(healthCheck);
  if (timeoutMs <= intervalMs) return;
  const field = healthCheck.timeout === undefined ? 'interval' : 'timeout';
  const expected = 'a timeout of at most the interval';
  const got = `${formatDuration(timeoutMs)} above ${formatDuration(intervalMs)}`;
  report.add([...path, 'healthCheck', field], { kind: 'durationOrder', expected, got });
}

function checkEjection({ outlierDetection }: ServiceInput, path: Path, report: Report): void {
  const outlier = buildOutlier(outlierDetection);
  if (outlier === null || outlierDetection === undefined || outlierDetection === false) return;
  if (outlier.ejectionMs <= outlier.ejectionMaxMs) return;
  const field = outlierDetection.ejection === undefined ? 'ejectionMax' : 'ejection';
  const expected = 'an ejection of at most ejectionMax';
  const got = `${formatDuration(outlier.ejectionMs)} above ${formatDuration(outlier.ejectionMaxMs)}`;
  report.add([...path, 'outlierDetection', field], { kind: 'durationOrder', expected, got });
}
