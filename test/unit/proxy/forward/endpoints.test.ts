/** Endpoints across snapshots: an address keeps its load and its connections while it is named. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Endpoints } from '#src/proxy/forward/endpoints.ts';
import { bench } from '../../../support/proxy/parts.ts';

const A = { id: 1, host: '127.0.0.1', port: 8001 };
const B = { id: 2, host: '127.0.0.1', port: 8002 };

describe('endpoints', () => {
  it('come in the order of the snapshot', () => {
    const linked = new Endpoints().update([B, A], bench().lane);
    assert.deepEqual(
      linked.map((endpoint) => endpoint && [endpoint.id, endpoint.port]),
      [
        [2, 8002],
        [1, 8001],
      ],
    );
  });

  it('that stay keep their identity, wherever they stand', () => {
    const endpoints = new Endpoints();
    const { lane } = bench();
    const [a] = endpoints.update([A, B], lane);
    assert.equal(endpoints.update([B, A], lane)[1], a);
  });

  it('whose slot in the tallies changes are others', () => {
    const endpoints = new Endpoints();
    const { lane } = bench();
    const [a] = endpoints.update([A], lane);
    assert.notEqual(endpoints.update([{ ...A, id: 9 }], lane)[0], a);
  });

  it('that left and came back are new', () => {
    const endpoints = new Endpoints();
    const { lane } = bench();
    const [a] = endpoints.update([A, B], lane);
    endpoints.update([B], lane);
    assert.notEqual(endpoints.update([A, B], lane)[0], a);
  });
});
