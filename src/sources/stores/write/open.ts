/**
 * Opens the store of weights that settings name.
 */

import type { SourceDocument } from '../../document/pieces.ts';
import type { SourceSettings } from '../settings.ts';
import { openConsulWeights } from './consul.ts';
import { openDirectoryWeights } from './directory.ts';
import { openEtcdWeights } from './etcd.ts';
import type { WeightsStore } from './writer.ts';
import { openZooKeeperWeights } from './zookeeper.ts';

/**
 * Where the weights of a route are kept: in the first source that has a document of them; else they belong into the one
 * that has the route under a key of its own if it can be written, else into the first that can. Null: into none.
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
  const beside = has('route');
  return has('weights') ?? (beside !== undefined && isWritten(beside) ? beside : sources.find(isWritten)) ?? null;
}

function isWritten({ kind }: SourceSettings): boolean {
  return kind !== 'http';
}

/**
 * Opens a store of weights; nothing is asked yet. Null: what a URL answers is not written.
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
    case 'zookeeper':
      return openZooKeeperWeights(settings);
    case 'http':
      return null;
    default:
      return settings satisfies never;
  }
}
