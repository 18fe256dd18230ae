import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { documentText, saveDocument } from '#src/cli/demo/document.ts';
import { parseConfig } from '#src/sources/parse.ts';

const DEMO = { port: 8080, adminPort: 9900, v1Port: 7001, v2Port: 7002, canaryPercent: 20 };

suite('document', () => {
  test('the document is a valid configuration at every share of the canary', () => {
    for (const canaryPercent of [0, 5, 10, 20]) {
      const result = parseConfig(documentText({ ...DEMO, canaryPercent }), 'gateway.yaml', {});
      assert.ok(result.ok, JSON.stringify(result));
      const [route] = result.config.routes;
      assert.deepEqual(
        route?.backendRefs.map(({ version, weight }) => `${version} ${weight}`),
        [`v1 ${100 - canaryPercent}`, `v2 ${canaryPercent}`],
      );
      assert.equal(route?.rollout?.canary, 'v2');
    }
  });

  test('ports and the header that users are told about are in it', () => {
    const result = parseConfig(documentText(DEMO), 'gateway.yaml', {});
    assert.ok(result.ok);
    const { listen, admin, services, color, routes, saturation } = result.config;
    assert.deepEqual([listen.port, admin.port], [8080, 9900]);
    assert.deepEqual(
      services[0]?.versions.map(({ name, endpoints }) => `${name} ${endpoints[0]?.port}`),
      ['v1 7001', 'v2 7002'],
    );
    assert.deepEqual([color.header, color.acceptFrom], ['x-color', 'anyone']);
    assert.equal(saturation.acts, false);
    assert.equal(routes[0]?.sticky?.header, 'x-user-id');
    assert.deepEqual(routes[0]?.slo?.latency, { thresholdMs: 300, targetRatio: 0.99 });
  });

  test('saving replaces the file and leaves nothing else behind', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-document-'));
    const file = join(folder, 'gateway.yaml');
    saveDocument(file, DEMO);
    saveDocument(file, { ...DEMO, canaryPercent: 5 });
    assert.equal(readFileSync(file, 'utf8'), documentText({ ...DEMO, canaryPercent: 5 }));
    assert.deepEqual(readdirSync(folder), ['gateway.yaml']);
    rmSync(folder, { recursive: true });
  });
});
