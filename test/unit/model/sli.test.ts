/** How HTTP and gRPC outcomes count. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, REASONS, type Reason } from '#src/model/reason.ts';
import {
  bitsOf,
  ERROR_CLASSES,
  errorClassOf,
  errorClassOfStatus,
  GRPC_CODES,
  GRPC_ERRORS,
  grpcCode,
  grpcReason,
  NO_ERROR,
  weightedErrors,
} from '#src/model/sli.ts';

function classOf(number: number): string {
  return number === NO_ERROR ? '' : (ERROR_CLASSES[number] as string);
}

describe('the class of an HTTP status', () => {
  const CASES: readonly (readonly [statuses: readonly number[], errorClass: string])[] = [
    [[0, 100, 200, 204, 301, 399], ''],
    [[400, 401, 403, 404, 409, 413, 431, 499], 'client'],
    [[408, 425, 429, 502, 503, 504], 'transient'],
    [[500, 501, 505, 508, 599], 'server'],
  ];
  for (const [statuses, errorClass] of CASES) {
    it(`is ${errorClass === '' ? 'none' : errorClass} for ${statuses.join(', ')}`, () => {
      for (const status of statuses) {
        assert.equal(classOf(errorClassOfStatus(status)), errorClass);
        assert.equal(classOf(errorClassOf(REASON.none, status)), errorClass);
      }
    });
  }
});

describe('the class of a reason', () => {
  it('is told by the table of reasons, for every one of them', () => {
    const classes = REASONS.map(({ name, status }, reason) => [name, classOf(errorClassOf(reason as Reason, status))]);
    const byClass = Object.groupBy(classes, ([, errorClass]) => errorClass as string);
    const names = (errorClass: string) => (byClass[errorClass] ?? []).map(([name]) => name);
    assert.deepEqual(names(''), ['none', 'client_closed', 'idempotency_replayed', 'stream_ended', 'client_deadline']);
    assert.deepEqual(names('transient'), [
      'rate_limited',
      'shed',
      'no_endpoint',
      'connect_refused',
      'connect_timeout',
      'tls_failed',
      'response_timeout',
      'upstream_reset',
      'dns_failed',
      'circuit_open',
      'fault_injected',
      'stream_refused',
      'idempotency_unavailable',
      'grpc_transient',
    ]);
    assert.deepEqual(names('server'), [
      'upstream_protocol',
      'upstream_truncated',
      'internal',
      'loop_detected',
      'grpc_failed',
    ]);
  });
});

it('errors are weighted by class', () => {
  const weights = { client: 1, transient: 0.5, server: 2.5 };
  assert.equal(weightedErrors({ client: 2, transient: 4, server: 10 }, weights), 29);
  assert.equal(weightedErrors({ client: 0, transient: 0, server: 0 }, weights), 0);
});

describe('a status of gRPC', () => {
  it('is a number that is known, else UNKNOWN', () => {
    assert.deepEqual(['0', '14', '16', '17', '', '-1', 'OK', '014'].map(grpcCode), [0, 14, 16, 2, 2, 2, 2, 2]);
  });

  it('is an error if it is one of those, and one that may pass for some', () => {
    const reasons = GRPC_CODES.map((name, code) => [name, grpcReason(code, GRPC_ERRORS)] as const);
    const named = (reason: number): string[] => reasons.filter(([, one]) => one === reason).map(([name]) => name);
    assert.deepEqual(named(REASON.grpcTransient), ['DEADLINE_EXCEEDED', 'UNAVAILABLE']);
    assert.deepEqual(named(REASON.grpcFailed), ['UNKNOWN', 'UNIMPLEMENTED', 'INTERNAL', 'DATA_LOSS']);
    assert.equal(grpcReason(14, bitsOf(['NOT_FOUND'])), REASON.none);
    assert.equal(grpcReason(5, bitsOf(['NOT_FOUND'])), REASON.grpcFailed);
  });
});
