/**
 * Opens the store that settings name.
 */

import type { Store } from '../follow/source.ts';
import { openConsul } from './consul/consul.ts';
import { openDirectory } from './directory.ts';
import { openEtcd } from './etcd.ts';
import { openHttp } from './http.ts';
import type { SourceSettings } from './settings.ts';
import { openZooKeeper } from './zookeeper/zookeeper.ts';

/**
 * Opens a store; nothing is asked yet.
 * @param draw uniform in [0, 1)
 * @param isSigned signatures that must be asked for by themselves are
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when a certificate cannot be read
 */
export function openStore(settings: SourceSettings, draw: () => number, isSigned = false): Store {
  switch (settings.kind) {
    case 'directory':
      return openDirectory(settings);
    case 'consul':
      return openConsul(settings);
    case 'etcd':
      return openEtcd(settings);
    case 'http':
      return openHttp(settings, draw, isSigned);
    case 'zookeeper':
      return openZooKeeper(settings);
    default:
      return settings satisfies never;
  }
}
