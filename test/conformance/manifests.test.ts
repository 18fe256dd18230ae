/**
 * What `deploy/` hands to engines that are not here: every document is read, its references lead somewhere, its rights are those
 * that are promised, and every configuration in it is one that the gateway takes.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { hostFilter } from '#src/admin/host.ts';
import type { Config } from '#src/model/config.ts';
import { parseConfig, sourcesOf } from '#src/sources/parse.ts';
import { findBinary } from '../support/runner/servers.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEPLOY = join(ROOT, 'deploy');
const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

/** What is at a path of names and places, such as `spec.containers.0`; undefined where nothing is. */
function at(tree: unknown, path: string): unknown {
  let found: unknown = tree;
  for (const name of path.split('.')) found = (found as Record<string, unknown> | undefined)?.[name];
  return found;
}

function listAt(tree: unknown, path: string): readonly unknown[] {
  const found = at(tree, path) ?? [];
  assert.ok(Array.isArray(found), path);
  return found as unknown[];
}

function textAt(tree: unknown, path: string): string {
  const found = at(tree, path);
  assert.equal(typeof found, 'string', path);
  return found as string;
}

function read(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8');
}

function documentsIn(path: string): unknown[] {
  return parseAllDocuments(read(path), { merge: true, uniqueKeys: true }).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [], path);
    return document.toJS() as unknown;
  });
}

/** The configuration is sound, wherever else it has documents. */
function assertConfig(text: string, file: string): Config {
  const sourced = sourcesOf(text, file, {});
  assert.deepEqual(sourced?.problems ?? [], [], file);
  const result = sourced === null ? parseConfig(text, file, {}) : parseConfig(withoutSources(text), file, {});
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.warnings, [], file);
  return result.config;
}

/** Whether the admin server of a configuration answers whoever asks with this `Host`. */
function isAnswered({ admin }: Config, host: string): boolean {
  return hostFilter(admin.host, () => admin.hosts ?? [])(host);
}

/** The document's own part, which must stand by itself until the sources have answered. */
function withoutSources(text: string): string {
  return text.replace(/^sources:\n(?: .*\n)+/m, '');
}

describe('every YAML file of deploy', () => {
  it('can be read', () => {
    const files = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' }).filter((path) => /\.ya?ml$/.test(path));
    assert.ok(files.length >= 12);
    for (const file of files.filter((path) => !path.includes('node_modules'))) documentsIn(file);
  });
});

describe('the compose file', () => {
  const [compose] = documentsIn('compose/compose.yaml');
  const services = Object.entries(at(compose, 'services') as Record<string, unknown>);
  const service = (name: string): unknown => services.find(([one]) => one === name)?.[1];
  const volumes = Object.keys(at(compose, 'volumes') as object);

  it('pins every image, and has what is asked for', () => {
    for (const [name, one] of services) assert.match(textAt(one, 'image'), /:v?\d+\.\d+\.\d+(?:-slim)?$/, name);
    const wanted = ['sluice', 'checkout-v1', 'checkout-v2', 'consul', 'etcd', 'redis', 'prometheus', 'grafana'];
    assert.deepEqual(
      wanted.filter((name) => service(name) === undefined),
      [],
    );
    assert.equal(textAt(service('sluice'), 'image'), `sluice:${VERSION}`);
  });

  it('mounts what is there', () => {
    for (const [name, one] of services) {
      for (const mount of listAt(one, 'volumes')) {
        const [from = ''] = String(mount).split(':');
        // Dashboards and rules may have a folder of their own, and none yet.
        const isThere = volumes.includes(from) || existsSync(join(DEPLOY, 'compose', from));
        assert.ok(isThere || /^\.\.\/(?:prometheus|grafana)$/.test(from), `${name}: ${from}`);
      }
    }
  });

  it('waits for services that are there and can be waited for', () => {
    let waits = 0;
    for (const [name, one] of services) {
      const others = at(one, 'depends_on') ?? [];
      for (const other of Array.isArray(others) ? (others as string[]) : Object.keys(others)) {
        waits++;
        assert.ok(service(other) !== undefined, `${name} waits for ${other}`);
        const isHealthAsked = at(others, `${other}.condition`) === 'service_healthy';
        // The gateway's check is in its image.
        const isChecked = at(service(other), 'healthcheck') !== undefined || other === 'sluice';
        assert.ok(!isHealthAsked || isChecked, `${name}: ${other} has no health check`);
      }
    }
    assert.ok(waits >= 8);
  });

  it('gives the gateway no rights', () => {
    const sluice = service('sluice');
    assert.deepEqual([at(sluice, 'read_only'), at(sluice, 'cap_drop')], [true, ['ALL']]);
    assert.equal(at(sluice, 'user'), undefined, 'the image says who it runs as');
  });

  it('has a sound configuration, whose endpoints are its services', () => {
    const text = read('compose/gateway.yaml');
    assertConfig(text, 'compose/gateway.yaml');
    const endpoints = [...text.matchAll(/"([\w-]+):(700\d)"/g)];
    assert.equal(endpoints.length, 2);
    for (const [, host = '', port] of endpoints) assert.equal(textAt(service(host), 'environment.PORT'), port, host);
  });

  it('has Prometheus ask a gateway that answers to the name it asks by', () => {
    const config = assertConfig(read('compose/gateway.yaml'), 'compose/gateway.yaml');
    const [prometheus] = documentsIn('compose/prometheus.yaml');
    const targets = listAt(prometheus, 'scrape_configs')
      .flatMap((scrape) => listAt(scrape, 'static_configs'))
      .flatMap((one) => listAt(one, 'targets').map(String));
    assert.ok(targets.length > 0);
    for (const target of targets) {
      const [host = '', port] = target.split(':');
      assert.ok(service(host) !== undefined, target);
      assert.equal(Number(port), config.admin.port);
      assert.ok(isAnswered(config, target), `${target} is answered 421`);
    }
    assert.ok(!isAnswered(config, 'evil.example:9900'));
  });
});

describe('the Kubernetes manifests', () => {
  const [kustomization] = documentsIn('kubernetes/kustomization.yaml');
  const resources = listAt(kustomization, 'resources').flatMap((file) => documentsIn(`kubernetes/${String(file)}`));
  const of = (kind: string): unknown[] => resources.filter((resource) => at(resource, 'kind') === kind);
  const [deployment] = of('Deployment');
  const labels = at(deployment, 'spec.template.metadata.labels');
  const pod = at(deployment, 'spec.template.spec');
  const container = at(pod, 'containers.0');
  const ports = listAt(container, 'ports').map((port) => at(port, 'name'));

  it('select the pods of the deployment', () => {
    const selectors = [
      ...['Deployment', 'PodDisruptionBudget'].map((kind) => at(of(kind)[0], 'spec.selector.matchLabels')),
      at(of('NetworkPolicy')[0], 'spec.podSelector.matchLabels'),
      ...of('Service').map((service) => at(service, 'spec.selector')),
    ];
    assert.equal(selectors.length, 5);
    for (const selector of selectors) assert.deepEqual(selector, labels);
    assert.deepEqual(at(of('HorizontalPodAutoscaler')[0], 'spec.scaleTargetRef'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: at(deployment, 'metadata.name'),
    });
  });

  it('name ports that the container has', () => {
    const targets = of('Service').flatMap((service) =>
      listAt(service, 'spec.ports').map((port) => at(port, 'targetPort')),
    );
    const ingress = listAt(of('NetworkPolicy')[0], 'spec.ingress');
    const allowed = ingress.flatMap((rule) => listAt(rule, 'ports').map((port) => at(port, 'port')));
    assert.deepEqual([targets.length, allowed.length], [2, 2]);
    for (const port of [...targets, ...allowed]) assert.ok(ports.includes(port), String(port));
  });

  it('keep to the restricted profile', () => {
    const about = 'securityContext';
    assert.equal(at(pod, `${about}.runAsNonRoot`), true);
    assert.deepEqual(at(pod, `${about}.seccompProfile`), { type: 'RuntimeDefault' });
    // The image's own user.
    const user = /^USER (\d+):/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1];
    assert.equal(String(at(pod, `${about}.runAsUser`)), user);
    assert.deepEqual(at(container, about), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.equal(at(pod, 'automountServiceAccountToken'), false);
    assert.deepEqual(Object.keys(at(container, 'resources') as object), ['requests', 'limits']);
  });

  it('ask the probes that there are, and give the drain its time', () => {
    for (const [probe, path] of [
      ['startupProbe', '/startupz'],
      ['readinessProbe', '/readyz'],
      ['livenessProbe', '/livez'],
    ] as const) {
      assert.deepEqual(at(container, `${probe}.httpGet`), { path, port: 'admin' });
    }
    const drain = /drain: \{delay: (\d+)s, timeout: (\d+)s\}/.exec(read('kubernetes/gateway.yaml')) ?? [];
    assert.ok(Number(at(pod, 'terminationGracePeriodSeconds')) > Number(drain[1]) + Number(drain[2]));
  });

  it('have a sound configuration, as a folder that can change', () => {
    assertConfig(read('kubernetes/gateway.yaml'), 'kubernetes/gateway.yaml');
    const generated = at(kustomization, 'configMapGenerator.0');
    assert.deepEqual(generated, { name: 'sluice', files: ['gateway.yaml'] });
    assert.equal(at(pod, 'volumes.0.configMap.name'), at(generated, 'name'));
    const mount = { name: at(pod, 'volumes.0.name'), mountPath: '/etc/sluice', readOnly: true };
    assert.deepEqual(listAt(container, 'volumeMounts'), [mount]);
  });

  it('are watched by what the admin service says of itself', () => {
    const [monitor] = documentsIn('kubernetes/monitoring/servicemonitor.yaml');
    const admin = of('Service').find((service) => at(service, 'metadata.name') === 'sluice-admin');
    assert.deepEqual(at(monitor, 'spec.selector.matchLabels'), at(admin, 'metadata.labels'));
    assert.equal(at(monitor, 'spec.endpoints.0.port'), at(admin, 'spec.ports.0.name'));
    // Kubelets and the operator's Prometheus ask pods by their addresses.
    assert.ok(isAnswered(assertConfig(read('kubernetes/gateway.yaml'), 'kubernetes/gateway.yaml'), '10.1.2.3:9900'));
  });
});

describe('the Nomad job', () => {
  const job = read('nomad/sluice.nomad.hcl');

  it('is balanced, and its checks ask for ports that it has', () => {
    const bare = job.replace(/#.*$/gm, '').replace(/"(?:\\.|[^"\\])*"/g, '""');
    assert.equal(bare.split('{').length, bare.split('}').length);
    const ports = [...job.matchAll(/^ +port "(\w+)" \{/gm)].map(([, name]) => name);
    assert.deepEqual(ports, ['http', 'admin']);
    for (const [, port = ''] of job.matchAll(/^ +port += "(\w+)"$/gm)) assert.ok(ports.includes(port), port);
    assert.ok(job.includes(`"sluice:${VERSION}"`));
  });

  it('has a sound configuration', () => {
    const [, text = ''] = /<<-YAML\n([\s\S]*?)\n +YAML\n/.exec(job) ?? [];
    assert.ok(text.includes('listen:'));
    const yaml = text.replaceAll(/^ {10}/gm, '').replace(/\{\{.*?\}\}/, '10.0.0.1');
    const config = assertConfig(yaml, 'sluice.nomad.hcl');
    assert.ok(isAnswered(config, '10.1.2.3:29900'), 'checks ask by the address of the node');
  });
});

describe('the units of systemd', () => {
  const analyze = findBinary('systemd-analyze');

  it('are verified by systemd', { skip: analyze === null && 'systemd-analyze is missing' }, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-units-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const names = ['sluice.service', 'sluice.socket'];
    // The package is not installed here: any program stands in for its command.
    for (const name of names) {
      writeFileSync(join(folder, name), read(name).replace('/opt/sluice/node_modules/.bin/sluice', process.execPath));
    }
    const files = names.map((name) => join(folder, name));
    const { status, stderr } = spawnSync(analyze as string, ['verify', ...files], { encoding: 'utf8' });
    const about = stderr.split('\n').filter((line) => /sluice\.(?:service|socket)/.test(line));
    assert.deepEqual([status, about], [0, []]);
  });

  it('know each other, and give the drain its time', () => {
    const [service, socket] = [read('sluice.service'), read('sluice.socket')];
    assert.match(socket, /^Service=sluice\.service$/m);
    assert.match(socket, /^FileDescriptorName=listen$/m, 'the port need not be that of the configuration');
    assert.match(service, /^KillSignal=SIGTERM$/m);
    assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(service)?.[1]) > 30);
    assert.equal(dirname(/^ExecStart=(\S+)/m.exec(service)?.[1] ?? ''), '/opt/sluice/node_modules/.bin');
  });
});
