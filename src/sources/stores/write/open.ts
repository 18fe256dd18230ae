/**
 * Opens the store of weights that settings name.
 */

import type { SourceDocument } from '../../document/pieces.ts';
import type { SourceSettings } from '../settings.ts';
import { openConsulWeights } from './consul.ts';
import { openDirectoryWeights } from './directory.ts';
import { openEtcdWeights } from './etcd.ts';
import type { WeightsStore } from './writer.ts';

/**
 * Where the weights of a route are kept: in the first source that has a document of them; else they belong into the one
 * that has the route under a key of its own, else into the first that can be written. Null: into none.
 * @param sources in the order of their precedence; documents count them from 1
 */
export function placeOfWeights(
  route: string,
  sources: readonly SourceSettings[],
  documents: readonly SourceDocument[],
): SourceSettings | null {
  const has = (kind: 'weights' | 'route'): SourceSettings | undefined => {
    const found = documents.find(({ mount }) => mount.kind === kind && mount.name === route);
    return found === undefined ? undefined : sources[found.source - 1];
  };
  return has('weights') ?? has('route') ?? sources.find(({ kind }) => kind !== 'http') ?? null;
}

/**
 * Opens a store of weights; nothing is asked yet. Null: what a URL answers cannot be written.
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when a certificate cannot be read
 */
export function openWeightsStore(settings: SourceSettings): WeightsStore | null {
  switch (settings.kind) {
    case 'directory':
      return openDirectoryWeights(settings);
    case 'consul':
      return openConsulWeights(settings);
    case 'etcd':
      return openEtcdWeights(settings);
    case 'http':
      return null;
    default:
      return settings satisfies never;
  }
}
