/**
 * How a real ZooKeeper server is told to speak TLS at a second port, with clients that have a certificate alone.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ZOOKEEPER_OPTIONS, zooKeeperMain } from '../server.ts';

/** Paths of files in PEM. */
export interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Only Netty speaks TLS; these are its archives that the manifest of Debian's ZooKeeper does not name. */
const ARCHIVES = ['codec', 'resolver', 'transport-native-unix-common'].map(
  (part) => `/usr/share/java/netty-${part}.jar`,
);

/** Arguments of Java. Files beside the certificate are written: a store of the key, and the settings. */
export function secureArgs(folder: string, [plain, secure]: readonly number[], { ca, cert, key }: Files): string[] {
  const keyStore = join(dirname(cert), 'store.pem');
  writeFileSync(keyStore, `${readFileSync(key, 'utf8')}${readFileSync(cert, 'utf8')}`);
  const settings = join(dirname(cert), 'zoo.cfg');
  const fields = { clientPort: plain, secureClientPort: secure, dataDir: folder, tickTime: 500 };
  writeFileSync(
    settings,
    Object.entries(fields)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return [
    ...ZOOKEEPER_OPTIONS,
    '-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
    `-Dzookeeper.ssl.keyStore.location=${keyStore}`,
    `-Dzookeeper.ssl.trustStore.location=${ca}`,
    ...zooKeeperMain(ARCHIVES),
    settings,
  ];
}
