/**
 * Manifests of `deploy/` have the fields of their schemas, and no others: Kubernetes' by the types made from its OpenAPI document and the
 * Prometheus operator's, the compose file's by the Compose Specification's JSON Schema. Kustomizations and Nomad jobs have no schema
 * that is published for this; what they refer to is in manifests.test.ts, units are verified there by systemd.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Ajv } from 'ajv';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const DEPLOY = join(ROOT, 'deploy');
const OPERATOR = 'monitoring.coreos.com/';
const KUSTOMIZE = 'kustomize.config.k8s.io/';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Every manifest that a cluster takes, by its file. */
function manifests(): [file: string, manifest: Manifest][] {
  const folder = join(DEPLOY, 'kubernetes');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((file) => {
    const documents = parseAllDocuments(readFileSync(join(folder, file), 'utf8'));
    const all = documents.map((document) => document.toJS() as Partial<Manifest>);
    return all.filter(isManifest).map((manifest): [string, Manifest] => [file, manifest]);
  });
}

function isManifest(document: Partial<Manifest>): document is Manifest {
  return document.apiVersion !== undefined && !document.apiVersion.startsWith(KUSTOMIZE);
}

/** A module that says that a manifest is of its kind. */
function moduleOf(manifest: Manifest): string {
  const { apiVersion, kind } = manifest;
  const types = apiVersion.startsWith(OPERATOR) ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models';
  const type = `I${kind}`;
  return `import type { ${type} } from '${types}/${apiVersion}/${kind}';\nexport const it: ${type} = ${JSON.stringify(manifest)};\n`;
}

/** What the compiler says against modules, by their number; nothing of those that are sound. */
function faultsOf(t: TestContext, modules: readonly string[]): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-schemas-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [n, text] of modules.entries()) writeFileSync(join(folder, `m${n}.ts`), text);
  const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', skipLibCheck: true, types: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { stdout, stderr } = spawnSync(tsc, ['--project', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  const faults = new Map<number, string>();
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const [, n] = /^m(\d+)\.ts\(/.exec(line) ?? [];
    // Lines behind the first of a fault are indented.
    if (n === undefined) assert.match(line, /^ /, stdout);
    else faults.set(Number(n), `${faults.get(Number(n)) ?? ''}${line}\n`);
  }
  return faults;
}

/** A manifest of a kind, with one thing in its text changed. */
function changed(kind: string, from: string, to: string): Manifest {
  const [, manifest] = manifests().find(([, one]) => one.kind === kind) ?? assert.fail(kind);
  const text = JSON.stringify(manifest);
  assert.equal(text.split(from).length, 2, `${kind} has no ${from}`);
  return JSON.parse(text.replace(from, to)) as Manifest;
}

describe('the Kubernetes manifests', { timeout: 540_000 }, () => {
  it('have the fields, types and words of their kinds, and what has not is found', (t) => {
    const sound = manifests();
    assert.ok(sound.length >= 8, String(sound.length));
    const broken: readonly (readonly [kind: string, from: string, to: string])[] = [
      ['Deployment', '"readinessProbe"', '"readynessProbe"'],
      ['Deployment', '"terminationGracePeriodSeconds":40', '"terminationGracePeriodSeconds":"40"'],
      ['Deployment', '"whenUnsatisfiable":"ScheduleAnyway"', '"whenUnsatisfiable":"Anyway"'],
      ['Service', '"externalTrafficPolicy":"Local"', '"externalTrafficPolicy":"local"'],
      ['HorizontalPodAutoscaler', '"maxReplicas"', '"maxReplica"'],
      ['PodDisruptionBudget', '"maxUnavailable":1', '"maxUnavailable":true'],
      ['NetworkPolicy', '"namespaceSelector"', '"nameSpaceSelector"'],
      ['ServiceMonitor', '"interval"', '"intervall"'],
    ];
    const wrong = broken.map(([kind, from, to]) => changed(kind, from, to));
    const faults = faultsOf(t, [...sound.map(([, manifest]) => manifest), ...wrong].map(moduleOf));
    for (const [n, [file, { kind }]] of sound.entries()) assert.equal(faults.get(n) ?? '', '', `${file}: ${kind}`);
    for (const [n, [kind, , to]] of broken.entries()) assert.ok(faults.has(sound.length + n), `${kind} ${to}`);
  });
});

describe('the compose file', () => {
  const text = readFileSync(join(DEPLOY, 'compose/compose.yaml'), 'utf8');
  const schema = readFileSync(join(ROOT, 'node_modules/dclint/schemas/compose.schema.json'), 'utf8');
  const validate = new Ajv({ strict: false, validateSchema: false, validateFormats: false }).compile(
    JSON.parse(schema) as object,
  );

  it('is of the Compose Specification', () => {
    assert.ok(validate(parse(text, { merge: true })), JSON.stringify(validate.errors));
  });

  it('would not be with a field that is misspelt or of another type', () => {
    for (const [from, to] of [
      ['stop_grace_period: 40s', 'stop_grace_periode: 40s'],
      ['read_only: true', 'read_only: [yes]'],
      ['condition: service_completed_successfully', 'condition: done'],
      ['volumes:\n  state:', 'volume:\n  state:'],
    ] as const) {
      assert.ok(text.includes(from), from);
      assert.ok(!validate(parse(text.replace(from, to), { merge: true })), to);
    }
  });
});
