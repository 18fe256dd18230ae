/**
 * Checks each service by itself: endpoints listed twice, colors that two versions claim.
 */

import { buildEndpoint } from '../build.ts';
import { quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import { formatAddress } from '../scalars/address.ts';
import type { ServiceInput } from '../schema.ts';
import type { Draft } from './draft.ts';

/** Reports what is wrong inside each sound service. */
export function checkServices(draft: Draft, report: Report): void {
  for (const [name, service] of draft.services ?? []) {
    if (service === null) continue;
    checkEndpoints(service, ['services', name, 'versions'], report);
    checkColors(service, ['services', name, 'versions'], report);
  }
}

function checkEndpoints(service: ServiceInput, path: Path, report: Report): void {
  for (const [name, version] of Object.entries(service.versions)) {
    const seen = new Set<string>();
    for (const [index, text] of version.endpoints.entries()) {
      const address = formatAddress(buildEndpoint(text));
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
