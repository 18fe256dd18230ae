import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseLoadResult, thinkMsFor } from '../../../../bench/macro/load.ts';

const LINE =
  '{"requests":1200,"durationUs":2000000,"badStatus":0,"socketErrors":0,"p50Us":900,"p90Us":1500,"p99Us":4000,"maxUs":9000}';

describe('parseLoadResult', () => {
  test('finds the report among what wrk prints', () => {
    const result = parseLoadResult(`Running 2s test\n${LINE}\n  1 threads\n`);
    assert.equal(result.requests, 1200);
    assert.equal(result.p99Us, 4000);
  });

  test('refuses silence and half a report', () => {
    assert.throws(() => parseLoadResult('unable to connect'), /reported nothing:\nunable to connect/);
    assert.throws(() => parseLoadResult(LINE.replace('"p99Us":4000,', '')), /no p99Us/);
  });
});

describe('thinkMsFor', () => {
  test('makes the connections together reach the rate', () => {
    assert.equal(thinkMsFor(4000, 64, 1), 15);
  });

  test('never asks for less than 1 ms', () => {
    assert.equal(thinkMsFor(1e6, 64, 1), 1);
  });
});
