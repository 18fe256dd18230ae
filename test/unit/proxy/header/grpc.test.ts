/** gRPC of the gateway's own: whom it answers so, with which code, and how long a client waits. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, REASONS, type Reason } from '#src/model/reason.ts';
import {
  grpcCodeOf,
  grpcLines,
  isGrpcFields,
  isGrpcHead,
  isGrpcType,
  timeoutMsOf,
  timeoutText,
} from '#src/proxy/header/grpc.ts';
import { bench, readHead } from '../../../support/proxy/parts.ts';

describe('a request of gRPC', () => {
  it('is known by its content type', () => {
    for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc;x=y', 'Application/GRPC']) {
      assert.equal(isGrpcType(type), true, type);
    }
    for (const type of [
      'application/grpc-web',
      'application/grpc-web+proto',
      'application/json',
      '',
      'a application/grpc',
    ]) {
      assert.equal(isGrpcType(type), false, type);
    }
    const { table } = bench();
    for (const [lines, is] of [
      ['Content-Type:  application/grpc \r\n', true],
      ['content-type:application/grpc+proto\r\n', true],
      ['X: application/grpc\r\n', false],
      ['Content-Typo: application/grpc\r\n', false],
      ['', false],
    ] as const) {
      const head = `POST /application/grpc HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
      assert.equal(isGrpcHead(head), is, lines);
      assert.equal(isGrpcFields(readHead(table, head).fields), is, lines);
    }
    assert.equal(isGrpcHead(''), false);
  });
});

describe('a reason', () => {
  it('has a code, which clients of gRPC act on', () => {
    const codes = Object.groupBy(
      REASONS.map(({ name }, reason) => [name, grpcCodeOf(reason as Reason)] as const),
      ([, code]) => code,
    );
    const names = Object.fromEntries(Object.entries(codes).map(([code, rows]) => [code, rows.map(([name]) => name)]));
    assert.deepEqual(names['DEADLINE_EXCEEDED'], ['body_timeout', 'response_timeout', 'client_deadline']);
    assert.deepEqual(names['RESOURCE_EXHAUSTED'], ['head_too_large', 'body_too_large', 'rate_limited']);
    assert.deepEqual(names['UNIMPLEMENTED'], ['method_refused', 'no_route']);
    assert.ok(
      ['shed', 'no_endpoint', 'connect_refused', 'upstream_reset'].every((name) =>
        names['UNAVAILABLE']?.includes(name),
      ),
    );
    assert.ok(['bad_request', 'upstream_protocol', 'internal'].every((name) => names['INTERNAL']?.includes(name)));
  });

  it('is told in ASCII that no header breaks by', () => {
    assert.equal(grpcLines(REASON.shed, 'no place'), 'grpc-status: 14\r\ngrpc-message: no place\r\n');
    assert.equal(
      grpcLines(REASON.noRoute, '100 %\r\nü\ud800'),
      'grpc-status: 12\r\ngrpc-message: 100 %25%0D%0A%C3%BC%EF%BF%BD\r\n',
    );
  });
});

describe('a timeout', () => {
  it('is read in every unit, and not where it is malformed', () => {
    const cases = {
      '1H': 3_600_000,
      '2M': 120_000,
      '3S': 3000,
      '4m': 4,
      '5000u': 5,
      '6n': 1,
      '0S': 1,
      '99999999S': 99_999_999_000,
    };
    for (const [text, ms] of Object.entries(cases)) assert.equal(timeoutMsOf(text), ms, text);
    for (const text of ['', '1', 'S', '1s', '123456789m', '-1S', '1.5S', ' 1S'])
      assert.equal(timeoutMsOf(text), 0, text);
  });

  it('is written in at most eight digits', () => {
    assert.deepEqual([1, 1500.9, 99_999_999, 100_000_000, 1e15].map(timeoutText), [
      '1m',
      '1500m',
      '99999999m',
      '100000S',
      '99999999S',
    ]);
  });
});
