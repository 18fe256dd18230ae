/**
 * Opens the store of a fleet's locks that settings name.
 */

import type { LockStore } from '../../../model/threads/fleet.ts';
import type { SourceSettings } from '../settings.ts';
import { openConsulLocks } from './lock-consul.ts';
import { openEtcdLocks } from './lock-etcd.ts';

/**
 * Opens a store of locks; nothing is asked yet. Null: this kind has none.
 * @param fleet its name
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when a certificate cannot be read
 */
export function openLocks(settings: SourceSettings, fleet: string): LockStore | null {
  if (settings.kind === 'consul') return openConsulLocks(settings, fleet);
  return settings.kind === 'etcd' ? openEtcdLocks(settings, fleet) : null;
}
