/** Stores that speak TLS, know their clients by certificates, and are known by an authority that no system knows. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readMain } from '#src/sources/parse.ts';
import { openWeightsStore } from '#src/sources/stores/write/open.ts';
import { runToExit, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { authorityOf } from '../../support/http/certificates.ts';
import { consulKeys, etcdKeys, type Keys } from '../../support/stores/keys.ts';
import { ask, mainDocument } from '../../support/stores/scenes/scenes.ts';
import {
  CONSUL,
  callOf,
  cannotRun,
  ETCD,
  freePorts,
  type StoreKind,
  startStore,
  ZOOKEEPER,
} from '../../support/stores/server.ts';
import { type Files, secureArgs } from '../../support/stores/zookeeper/secure.ts';
import { zooKeys } from '../../support/stores/zookeeper/zookeeper.ts';

interface Secured {
  readonly kind: StoreKind;
  /** The same store at one more port, the last, over TLS and for clients with a certificate alone. */
  readonly args: (folder: string, ports: readonly number[], files: Files) => readonly string[];
  readonly keys: (url: string) => Keys;
  readonly entry: (url: string, tls: string) => string;
  /** What is said of a client without a certificate, of a strange authority, and of none. */
  readonly words: readonly [RegExp, RegExp, RegExp];
}

const UNKNOWN = /TLS handshake failed: the server’s certificate is of an unknown authority .*; tls\.ca names its file/;

const SECURED: readonly Secured[] = [
  {
    kind: ETCD,
    args: (folder, ports, { ca, cert, key }) => [
      ...ETCD.args(folder, ports),
      // The later one of two counts; the first is the tests' own door.
      ...['--listen-client-urls', `http://127.0.0.1:${ports[0]},https://127.0.0.1:${ports.at(-1)}`],
      ...['--cert-file', cert, '--key-file', key, '--trusted-ca-file', ca, '--client-cert-auth'],
      ...['--advertise-client-urls', `https://127.0.0.1:${ports.at(-1)}`],
    ],
    keys: (url) => etcdKeys(url, '/sluice/v1/'),
    entry: (url, tls) => `etcd: {endpoints: ["${url}"], tls: ${tls}}`,
    words: [/./, UNKNOWN, UNKNOWN],
  },
  {
    kind: CONSUL,
    args: (folder, ports, { ca, cert, key }) => [
      ...CONSUL.args(folder, ports),
      `-https-port=${ports.at(-1)}`,
      // As of Consul 1.8, which Debian has; later ones say the same within `tls { https { … } }`.
      ...['-hcl', `ca_file = "${ca}", cert_file = "${cert}", key_file = "${key}", verify_incoming_https = true`],
    ],
    keys: (url) => consulKeys(url, 'sluice'),
    entry: (url, tls) => `consul: {address: "${url}", tls: ${tls}}`,
    words: [/./, UNKNOWN, UNKNOWN],
  },
  {
    kind: ZOOKEEPER,
    args: secureArgs,
    keys: (url) => zooKeys(url, '/sluice'),
    entry: (url, tls) => `zookeeper: {servers: ["${new URL(url).host}"], tls: ${tls}}`,
    words: [
      /TLS handshake failed: the server says .*alert.*does it know the certificate of tls\.cert\?/,
      UNKNOWN,
      UNKNOWN,
    ],
  },
];

for (const { kind, args, keys, entry, words } of SECURED) {
  describe(`${callOf(kind)} over TLS`, { skip: cannotRun(kind) }, () => {
    test('is followed with its authority and a certificate, and refused by its name without', async (t) => {
      const authority = authorityOf(t);
      const [server, client] = ['server', 'client'].map((name) => authority.issue(name, { names: 'IP:127.0.0.1' }));
      assert.ok(server !== undefined && client !== undefined);
      const ports = await freePorts(kind.ports + 1);
      const secure = ports.pop() as number;
      const files = { ca: authority.ca, cert: server.cert, key: server.key };
      const own = { ...kind, args: (folder: string) => args(folder, [...ports, secure], files) };
      const store = await startStore(own, ports);
      t.after(() => store.end());
      const service = await startService('v1');
      t.after(() => service.close());
      await keys(store.url).put('services/shop', `versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}\n`);
      await keys(store.url).put('routes/a', 'hostnames: [a.test]\nbackendRefs: [{name: shop}]\n');

      const url = `https://127.0.0.1:${secure}`;
      const whole = `{ca: "${authority.ca}", cert: "${client.cert}", key: "${client.key}"}`;
      const gateway = await startGatewayProcess(mainDocument(entry(url, whole)));
      t.after(() => gateway.end());
      assert.equal(await ask(gateway.proxyUrl, 'a.test'), '200 v1');
      await keys(store.url).put('routes/b', 'hostnames: [b.test]\nbackendRefs: [{name: shop}]\n');
      await until('a change goes live', async () => (await ask(gateway.proxyUrl, 'b.test')) === '200 v1');

      const [settings] = readMain(mainDocument(entry(url, whole)), 'a.yaml', {}).sources?.list ?? [];
      const weights = openWeightsStore(settings ?? assert.fail('no source')) ?? assert.fail('not writable');
      t.after(() => weights.close());
      const never = new AbortController().signal;
      const written = await weights.write('a', '{"weights": {"v1": 1}}', '0', never);
      assert.deepEqual([written.kind, (await weights.read('a', never)).text], ['written', '{"weights": {"v1": 1}}']);

      const stranger = authorityOf(t, 'stranger');
      const known = `cert: "${client.cert}", key: "${client.key}"`;
      const refusals = [`{ca: "${authority.ca}"}`, `{ca: "${stranger.ca}", ${known}}`, `{${known}}`];
      for (const [n, tls] of refusals.entries()) {
        // Long enough for one refusal, on a machine that stands still as well.
        const refused = `${mainDocument(entry(url, tls))}follow: {startTimeout: 5s}\n`;
        const { code, output } = await runToExit(refused);
        assert.equal(code, 1, tls);
        assert.match(output, new RegExp(`${callOf(kind)} 127.0.0.1:${secure}`));
        assert.match(output, words[n] as RegExp);
      }
    });
  });
}
