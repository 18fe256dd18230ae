/**
 * Looks at the files that a configuration names for TLS, before it is accepted: what cannot be used refuses it, what is weak,
 * about to expire or missing is warned of.
 */

import type { Config } from '../../../model/config.ts';
import type { ParseResult, Problem } from '../../../model/problem.ts';
import type { ListenerConfig, UpstreamTls } from '../../../model/threads/tls.ts';
import { codeOf, type Kind } from '../../problems/codes.ts';
import { formatPath, type Path } from '../../problems/report.ts';
import { expiryOf, isFor, type Leaf } from './leaf.ts';
import { staleness } from './ocsp.ts';
import { type FileFault, readListener, readUpstream } from './read.ts';

type Accepted = Extract<ParseResult, { readonly ok: true }>;
type Refused = Extract<ParseResult, { readonly ok: false }>;

/** A listener and where the document has it. */
interface Place {
  readonly listener: ListenerConfig;
  readonly path: Path;
}

/** All listeners, the main one first. */
export function listenersOf({ listen, listeners = [] }: Config): readonly ListenerConfig[] {
  return [listen, ...listeners];
}

/** Settings towards endpoints, each with the first place that has them. */
export function upstreamsOf({ services }: Config): ReadonlyMap<UpstreamTls, Path> {
  const found = new Map<UpstreamTls, Path>();
  for (const { name, versions } of services) {
    for (const { tls, name: version } of versions) {
      if (tls !== undefined) found.set(tls, ['services', name, 'versions', version, 'tls']);
    }
  }
  return found;
}

/**
 * The same result, or problems instead of it, or more warnings. Reads files; never throws.
 * @param file what problems call the document. @param nowMs of the wall clock
 */
export function vetFiles<T extends Accepted>(parsed: T | Refused, file: string, nowMs: number): T | Refused {
  if (!parsed.ok) return parsed;
  const { config } = parsed;
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const say = (kind: Kind, path: Path, words: Pick<Problem, 'expected' | 'got'>): Problem => {
    return { code: codeOf(kind), file, line: 0, column: 0, path: formatPath(path), ...words, hint: '' };
  };
  const blame = (path: Path, faults: readonly FileFault[]): void => {
    for (const { path: rest, expected, got } of faults)
      problems.push(say('tlsFiles', [...path, ...rest], { expected, got }));
  };
  const places = placesOf(config);
  const leaves: Leaf[] = [];
  for (const { listener, path } of places) {
    if (listener.tls === undefined) continue;
    const read = readListener(listener.tls);
    blame(path, read.faults);
    for (const [n, leaf] of read.leaves.entries()) {
      if (leaf === null) continue;
      leaves.push(leaf);
      for (const [kind, words] of doubtsOf(leaf, nowMs))
        warnings.push(say(kind, [...path, 'certificates', n, 'cert'], words));
    }
    for (const [n, staple] of read.staples.entries()) {
      const got = staple === null ? '' : staleness(staple, nowMs);
      if (got === '') continue;
      const words = { expected: 'an OCSP response that is valid now', got };
      warnings.push(say('stapleStale', [...path, 'certificates', n, 'ocsp'], words));
    }
  }
  for (const [tls, path] of upstreamsOf(config)) blame(path, readUpstream(tls).faults);
  if (problems.length > 0) return { ok: false, problems };
  warnings.push(...uncovered(config, leaves).map(([path, words]) => say('hostUncovered', path, words)));
  return { ...parsed, warnings: [...parsed.warnings, ...warnings] };
}

function placesOf({ listen, listeners = [] }: Config): Place[] {
  const others = listeners.map((listener, n) => ({ listener, path: ['listeners', n, 'tls'] }));
  return [{ listener: listen, path: ['listen', 'tls'] }, ...others];
}

function doubtsOf(leaf: Leaf, nowMs: number): [Kind, Pick<Problem, 'expected' | 'got'>][] {
  const doubts: [Kind, Pick<Problem, 'expected' | 'got'>][] = [];
  const expiry = expiryOf(leaf, nowMs);
  if (expiry !== '')
    doubts.push(['certificateExpires', { expected: 'a certificate that is valid for three weeks more', got: expiry }]);
  if (leaf.weakness !== '')
    doubts.push(['certificateWeak', { expected: 'a certificate to rely on', got: `one with ${leaf.weakness}` }]);
  return doubts;
}

/** Host names of routes that no certificate is for, where TLS is spoken at all. A wildcard host needs the same wildcard. */
function uncovered({ routes }: Config, leaves: readonly Leaf[]): [Path, Pick<Problem, 'expected' | 'got'>][] {
  if (leaves.length === 0) return [];
  const names = leaves.flatMap((leaf) => leaf.names);
  const expected = 'a host that some certificate is for';
  return routes.flatMap(({ hostnames }, route) =>
    hostnames.flatMap((host, n): [Path, Pick<Problem, 'expected' | 'got'>][] => {
      return isFor(names, host) ? [] : [[['routes', route, 'hostnames', n], { expected, got: JSON.stringify(host) }]];
    }),
  );
}
