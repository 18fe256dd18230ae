import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fastify, httpProxy3, nodeUndici } from '../../../../../bench/macro/contenders/libraries.ts';
import { assertForwards } from '../../support/forwards.ts';

describe('the contenders that are Node libraries', () => {
  for (const contender of [nodeUndici, httpProxy3, fastify]) {
    test(`${contender.name} forwards`, async (t) => {
      const connection = await assertForwards(t, contender);
      // http-proxy-3 passes hop-by-hop fields on; bench/README.md says which row pays for it.
      assert.equal(connection, contender === httpProxy3 ? 'close' : 'keep-alive');
      assert.match(
        contender.version((name) => name),
        /^\d+\.\d+\.\d+$/,
      );
    });
  }
});
