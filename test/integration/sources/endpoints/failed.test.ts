/** A change that cannot be put in force for a reason that is not in its text: it is refused for all to see, and tried again. */

import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGatewayProcess, startService, until } from '../../../support/gateway.ts';
import { authorityOf } from '../../../support/http/certificates.ts';
import { freePorts } from '../../../support/stores/server.ts';

test('a lookup whose certificate cannot be read is looked up once it can', { timeout: 540_000 }, async (t) => {
  const service = await startService('v1');
  const authority = authorityOf(t);
  const [nobody] = await freePorts(1);
  const ca = join(authority.folder, 'late.pem');
  const configOf = (endpoints: string): string => `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
follow: {startTimeout: 1s}
discovery: {consul: {address: "https://127.0.0.1:${nobody}", tls: {ca: "${ca}"}}}
services: {shop: {versions: {v1: {endpoints: ${endpoints}}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]
`;
  const gateway = await startGatewayProcess(configOf(`["127.0.0.1:${service.port}"]`));
  try {
    const { config: before } = await gateway.status();
    gateway.save(configOf('{consul: {}}'));
    await until('it is refused', async () => (await gateway.status()).config.last.result === 'refused');
    const { config } = await gateway.status();
    assert.equal(config.hash, before.hash);
    assert.match(config.last.problems[0]?.got ?? '', /cannot read .*late\.pem/);
    copyFileSync(authority.ca, ca);
    await until('it is tried again', async () => (await gateway.status()).config.hash !== before.hash);
    assert.equal((await gateway.status()).config.last.result, 'accepted');
  } finally {
    rmSync(ca, { force: true });
    await gateway.end();
    await service.close();
  }
});
