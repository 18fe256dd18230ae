/** A configuration is vetted by the files that it names. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { bothClocks } from '#src/lib/clock.ts';
import { formatProblem, type ParseResult } from '#src/model/problem.ts';
import { vetFiles } from '#src/sources/follow/certificates/vet.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { type Authority, authorityOf, type Issued } from '../../../../support/http/certificates.ts';

const DAY_MS = 86_400_000;

function documentOf({ cert, key }: Pick<Issued, 'cert' | 'key'>, more = '', service = ''): string {
  return `
listen: {host: 127.0.0.1, port: 0}
listeners:
  - {host: 127.0.0.1, port: 0, tls: {certificates: [{cert: ${cert}, key: ${key}}]${more}}}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:7001"]}}${service}}}
routes: [{name: shop, hostnames: [a.example, "*.b.example"], backendRefs: [{name: shop}]}]`;
}

function vetted(text: string, nowMs = bothClocks().wallMs): ParseResult {
  const parsed = parseConfig(text, 'gateway.yaml');
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return vetFiles(parsed, 'gateway.yaml', nowMs);
}

function warningsOf(text: string, nowMs?: number): string[] {
  const result = vetted(text, nowMs);
  assert.ok(result.ok);
  return result.warnings.map(formatProblem);
}

function scene(t: TestContext, names = 'DNS:a.example,DNS:*.b.example'): { authority: Authority; issued: Issued } {
  const authority = authorityOf(t);
  return { authority, issued: authority.issue('a', { names }) };
}

describe('a configuration with TLS', () => {
  it('is accepted without a word when its files are in order', (t) => {
    assert.deepEqual(warningsOf(documentOf(scene(t).issued)), []);
  });

  it('is refused with the place of every file that cannot be used', (t) => {
    const { issued } = scene(t);
    const more = ', clientAuth: {ca: /none.pem}';
    const result = vetted(documentOf({ cert: issued.cert, key: issued.cert }, more, ', tls: {ca: /none.pem}'));
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(({ code, path }) => `${code} ${path}`),
      [
        'SLU1161 listeners[0].tls.certificates[0].key',
        'SLU1161 listeners[0].tls.clientAuth.ca',
        'SLU1161 services.shop.versions.v1.tls.ca',
      ],
    );
  });

  it('is warned of certificates that expire soon, have expired, or are weak', (t) => {
    const { authority, issued } = scene(t);
    assert.match(
      warningsOf(documentOf(issued), bothClocks().wallMs + 45 * DAY_MS).join(),
      /SLU1920 .*expires in 14 days/,
    );
    assert.match(
      warningsOf(documentOf(issued), bothClocks().wallMs + 61 * DAY_MS).join(),
      /SLU1920 .*one that expired on/,
    );
    const weak = authority.issue('weak', { names: 'DNS:a.example,DNS:*.b.example', rsaBits: 1024 });
    const words = vetted(documentOf(weak));
    // OpenSSL's own policy may refuse such a key altogether, which is as good.
    const text = words.ok ? words.warnings.map(formatProblem).join() : words.problems.map(formatProblem).join();
    assert.match(text, /SLU1921 .*1024 bits|SLU1161/);
  });

  it('is warned of an OCSP response that has expired or is not valid yet', (t) => {
    const { authority, issued } = scene(t);
    const ocsp = authority.write('a.ocsp', authority.respond(issued));
    const text = documentOf({ cert: issued.cert, key: `${issued.key}, ocsp: ${ocsp}` });
    assert.deepEqual(warningsOf(text), []);
    const [late = '', ...others] = warningsOf(text, bothClocks().wallMs + 8 * DAY_MS);
    assert.match(late, /SLU1924 listeners\[0\]\.tls\.certificates\[0\]\.ocsp.*valid now.*expired at/s);
    assert.deepEqual(others, []);
    assert.match(warningsOf(text, bothClocks().wallMs - 2 * DAY_MS).join(), /SLU1924 .*not valid before/s);
  });

  it('is warned of host names that no certificate is for', (t) => {
    const { issued } = scene(t, 'DNS:a.example,DNS:x.b.example');
    assert.match(warningsOf(documentOf(issued)).join(), /SLU1922 routes\[0\]\.hostnames\[1\].*\*\.b\.example/);
  });

  it('passes one without TLS by', () => {
    const text =
      'services: {s: {versions: {v: {endpoints: []}}}}\nroutes: [{name: r, hostnames: [a.b], backendRefs: [{name: s}]}]';
    assert.equal(warningsOf(text).filter((line) => line.includes('SLU192')).length, 0);
  });
});
