/** Stores that speak TLS, know their clients by certificates, and are known by an authority that no system knows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runToExit, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { authorityOf } from '../../support/http/certificates.ts';
import { consulKeys, etcdKeys, type Keys } from '../../support/stores/keys.ts';
import { ask, mainDocument } from '../../support/stores/scenes/scenes.ts';
import { CONSUL, callOf, cannotRun, ETCD, freePorts, type StoreKind, startStore } from '../../support/stores/server.ts';

interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

interface Secured {
  readonly kind: StoreKind;
  /** Further arguments: the same store at one more port, over TLS and for clients with a certificate alone. */
  readonly args: (port: number, files: Files) => readonly string[];
  readonly keys: (url: string) => Keys;
  readonly entry: (url: string, tls: string) => string;
}

const SECURED: readonly Secured[] = [
  {
    kind: ETCD,
    // The later one of two counts; the first is the tests' own door.
    args: (port, { ca, cert, key }) => [
      ...['--cert-file', cert, '--key-file', key, '--trusted-ca-file', ca, '--client-cert-auth'],
      ...['--advertise-client-urls', `https://127.0.0.1:${port}`],
    ],
    keys: (url) => etcdKeys(url, '/sluice/v1/'),
    entry: (url, tls) => `etcd: {endpoints: ["${url}"], tls: ${tls}}`,
  },
  {
    kind: CONSUL,
    args: (port, { ca, cert, key }) => [
      `-https-port=${port}`,
      // As of Consul 1.8, which Debian has; later ones say the same within `tls { https { … } }`.
      ...['-hcl', `ca_file = "${ca}", cert_file = "${cert}", key_file = "${key}", verify_incoming_https = true`],
    ],
    keys: (url) => consulKeys(url, 'sluice'),
    entry: (url, tls) => `consul: {address: "${url}", tls: ${tls}}`,
  },
];

for (const { kind, args, keys, entry } of SECURED) {
  describe(`${callOf(kind)} over TLS`, { skip: cannotRun(kind) }, () => {
    test('is followed with its authority and a certificate, and refused by its name without', async (t) => {
      const authority = authorityOf(t);
      const [server, client] = ['server', 'client'].map((name) => authority.issue(name, { names: 'IP:127.0.0.1' }));
      assert.ok(server !== undefined && client !== undefined);
      const ports = await freePorts(kind.ports + 1);
      const secure = ports.pop() as number;
      const more = args(secure, { ca: authority.ca, cert: server.cert, key: server.key });
      const doors = ['--listen-client-urls', `http://127.0.0.1:${ports[0]},https://127.0.0.1:${secure}`];
      const own = (folder: string, given: readonly number[]) => [
        ...kind.args(folder, given),
        ...(kind === ETCD ? doors : []),
        ...more,
      ];
      const store = await startStore({ ...kind, args: own }, ports);
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

      const stranger = authorityOf(t, 'stranger');
      for (const tls of [`{ca: "${authority.ca}"}`, `{ca: "${stranger.ca}"}`, '{}']) {
        const refused = `${mainDocument(entry(url, tls))}follow: {startTimeout: 3s}\n`;
        const { code, output } = await runToExit(refused);
        assert.equal(code, 1, tls);
        assert.match(output, new RegExp(`${callOf(kind)} 127.0.0.1:${secure}`));
      }
    });
  });
}
