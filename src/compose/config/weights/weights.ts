/**
 * Composition of the operator's weights: a command ▸ checked against the route in force ▸ the store that keeps them.
 *
 * ```
 * PUT ─▶ route, versions, sum ─▶ compare-and-set in the store ─▶ its watch tells every gateway, this one too
 * ```
 * Nothing is put in force here: what counts is what the source holds. What would be refused there is not written.
 */

import type { Log } from '../../../lib/log.ts';
import type { RouteConfig } from '../../../model/config.ts';
import { rolloutOn, type WeightsAnswer, type WeightsCommand } from '../../../model/rollout.ts';
import type { VersionWeights, WeightsView } from '../../../model/status.ts';
import type { Environment } from '../../../sources/document/interpolate.ts';
import { readWeights, weightsText } from '../../../sources/document/weights/text.ts';
import { weighTargets } from '../../../sources/document/weights/weights.ts';
import type { SourceSettings } from '../../../sources/stores/settings.ts';
import { openWeightsStore } from '../../../sources/stores/write/open.ts';
import { type Kept, STORE_MS, type WeightsStore } from '../../../sources/stores/write/writer.ts';
import type { WeightsStores } from './stores.ts';

export interface WeightsDeps {
  /** Null: there is no such route in force. */
  readonly route: (name: string) => RouteConfig | null;
  readonly versions: (route: string) => readonly VersionWeights[];
  /** Where the weights of a route are kept, or would be; null: nowhere that can be written. */
  readonly placeOf: (route: string) => SourceSettings | null;
  readonly stores: WeightsStores;
  readonly environment: Environment;
  /** Sources have not all answered since the start, so that nobody knows what they hold. */
  readonly isStale: () => boolean;
  /** Documents must be signed, which is nothing that the gateway does. */
  readonly isSigned: boolean;
  /** Of the main document. */
  readonly file: string;
  readonly log: Log;
}

/** The weights of a route as they are kept now and as they count here; null: there is no such route. */
export async function viewWeights(deps: WeightsDeps, name: string): Promise<WeightsView | null> {
  const route = deps.route(name);
  if (route === null) return null;
  const { document = '', revision = '', reason = '' } = route.weights ?? {};
  const inForce = route.weights === undefined ? null : { document, revision, reason };
  const nothing = { document: '', revision: null, weights: null, reason: '', problem: '' };
  return { route: name, ...nothing, ...(await keptBy(deps, name)), inForce, versions: deps.versions(name) };
}

/** Writes the weights of a route if they are still what the operator has seen. */
export async function writeWeights(deps: WeightsDeps, command: WeightsCommand): Promise<WeightsAnswer> {
  const answer = await written(deps, command);
  const { route, weights, revision, by, reason } = command;
  const fields = { route, weights, against: revision, by, reason };
  if (answer.kind === 'written') deps.log.info('weights_written', { ...fields, ...answer });
  else deps.log.warn('weights_not_written', { ...fields, ...answer });
  return answer;
}

async function keptBy(deps: WeightsDeps, name: string): Promise<Partial<WeightsView>> {
  if (deps.isStale()) return { problem: STALE };
  const place = deps.placeOf(name);
  const store = place === null ? null : deps.stores.of(place);
  if (place === null || store === null) return { problem: nowhere(deps, name) };
  try {
    const kept = await store.read(name);
    return { document: store.documentOf(name), revision: kept.revision, ...said(deps, place, kept) };
  } catch (error) {
    return { document: store.documentOf(name), problem: (error as Error).message };
  }
}

function said({ environment }: WeightsDeps, { kind }: SourceSettings, { text }: Kept): Partial<WeightsView> {
  if (text === null) return {};
  const read = readWeights(text, kind === 'directory' ? environment : null);
  if (read === null) return { problem: 'the document is not sound; the status says what is wrong with it' };
  return { weights: read.weights, reason: read.reason ?? '' };
}

async function written(deps: WeightsDeps, command: WeightsCommand): Promise<WeightsAnswer> {
  const { route: name, weights } = command;
  const route = deps.route(name);
  if (route === null) return { kind: 'unknown', detail: `there is no route ${name}` };
  const fault = faultOf(route, weights);
  if (fault !== null) return { kind: 'invalid', detail: fault };
  if (deps.isSigned) return { kind: 'refused', detail: UNSIGNED };
  if (deps.isStale()) return { kind: 'unavailable', detail: `nothing was written: ${STALE}` };
  const place = deps.placeOf(name);
  const store = place === null ? null : openWeightsStore(place);
  if (place === null || store === null) return { kind: 'refused', detail: nowhere(deps, name) };
  try {
    return await put(deps, { place, store, command });
  } finally {
    store.close();
    deps.stores.of(place)?.forget(name);
  }
}

interface Put {
  readonly place: SourceSettings;
  readonly store: WeightsStore;
  readonly command: WeightsCommand;
}

async function put(deps: WeightsDeps, { place, store, command }: Put): Promise<WeightsAnswer> {
  const { route, weights, reason, revision } = command;
  const document = store.documentOf(route);
  const text = weightsText(weights, reason);
  const result = await store.write(route, text, revision, AbortSignal.timeout(STORE_MS));
  if (result.kind === 'written') return { kind: 'written', document, revision: result.revision };
  if (result.kind === 'conflict') {
    const { present } = result;
    const now = present === null ? 'it has changed since' : `it has revision ${present.revision} now`;
    const detail = `${document} is not at revision ${revision}: ${now}; look at it and set it again`;
    const weightsNow = present === null ? null : (said(deps, place, present).weights ?? null);
    const shown = present === null ? null : { revision: present.revision, weights: weightsNow };
    return { kind: 'conflict', detail, present: shown };
  }
  if (result.kind === 'refused') return { kind: 'unavailable', detail: `nothing was written: ${result.because}` };
  return { kind: 'unconfirmed', detail: `unknown whether it was written, look again: ${result.because}` };
}

/** What the gateways would refuse about the weights; null: nothing. */
function faultOf(route: RouteConfig, given: WeightsCommand['weights']): string | null {
  const { backendRefs, weights, led } = route;
  const targets = backendRefs.map((ref, n) => ({ ...ref, weight: weights?.ownWeights[n] ?? ref.weight }));
  const rollout = rolloutOn(route);
  const isOfSeveral = led !== undefined || rollout?.routes !== undefined;
  const [first] = weighTargets(targets, given, rollout === null ? null : { ...rollout, isOfSeveral }).faults;
  if (first === undefined) return null;
  const { expected, got = '', hint = '' } = first.fault;
  const more = typeof hint === 'function' ? hint() : hint;
  return `${first.path.slice(1).join('')}${first.path.length > 1 ? ': ' : ''}expected ${expected}, got ${got}${more === '' ? '' : ` (${more})`}`;
}

const UNSIGNED =
  'documents of this configuration are signed, and the gateway signs none: write the weights with their signature ' +
  'where they are kept (sluice config sign)';

const STALE = 'which source has weights of the route is not known: not all have answered since the start';

function nowhere({ file }: WeightsDeps, route: string): string {
  return (
    `the weights of ${route} are in no source that can be written: change its backendRefs where the route is ` +
    `(the main document is ${file}), or give sources a directory, Consul, etcd or ZooKeeper`
  );
}
