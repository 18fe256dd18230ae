/** Filters of a route: which of them answer, in which order, and that a route without any has none. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CorsFilter, Filters, RedirectFilter } from '#src/model/config.ts';
import { REASON, type Reason } from '#src/model/reason.ts';
import { type Answer, answerByFilter, type LinkedFilters, linkFilters } from '#src/proxy/filter/filters.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { NO_FILTERS } from '#src/sources/defaults.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn, get, peerOf, readHead } from '../../../support/proxy/parts.ts';

const REDIRECT: RedirectFilter = { scheme: null, hostname: null, path: null, port: null, status: 307 };
const CORS: CorsFilter = {
  allowOrigins: ['https://shop.test'],
  allowMethods: ['GET'],
  allowHeaders: [],
  exposeHeaders: [],
  allowCredentials: false,
  maxAgeS: 5,
};
const PREFLIGHT = 'Origin: https://shop.test\r\nAccess-Control-Request-Method: GET\r\n';

function link(filters: Partial<Filters>): LinkedFilters {
  const linked = linkFilters({ ...NO_FILTERS, ...filters }, new NameTable([]));
  assert.ok(linked !== null);
  return linked;
}

interface Outcome {
  readonly reason: Reason;
  readonly answer: Answer | null;
  readonly answerLines: string;
}

function answered(filters: Partial<Filters>, text: string, isTrusted = false): Outcome {
  const on = bench();
  const x = exchangeOn(on);
  const head = readHead(on.table, text);
  const reason = answerByFilter(x, link(filters), head, peerOf(isTrusted));
  return { reason, answer: x.answer, answerLines: x.answerLines };
}

function location(lines: string, isTrusted = false): string | undefined {
  return answered({ redirect: REDIRECT }, get('/a?b', lines), isTrusted).answer?.lines.trimEnd();
}

describe('filters', () => {
  it('that are none are null', () => assert.equal(linkFilters(NO_FILTERS, new NameTable([])), null));

  it('that only mirror are none of these', () => {
    const mirror = { service: 's', version: 'v', ratio: 1 };
    assert.equal(linkFilters({ ...NO_FILTERS, mirror }, new NameTable([])), null);
  });

  it('answer a redirect before anything else', () => {
    const text = get('/', PREFLIGHT).replace('GET /', 'OPTIONS /');
    const { reason, answer } = answered({ redirect: REDIRECT, cors: CORS }, text);
    assert.equal(reason, REASON.none);
    assert.deepEqual(answer, { status: 307, lines: 'Location: http://a:8080/\r\n' });
  });

  it('answer a preflight, and let other requests go with what their responses are to say', () => {
    const preflight = answered({ cors: CORS }, get('/', PREFLIGHT).replace('GET /', 'OPTIONS /'));
    assert.equal(preflight.answer?.status, 204);
    const actual = answered({ cors: CORS }, get('/', PREFLIGHT));
    assert.equal(actual.answer, null);
    assert.match(actual.answerLines, /^Access-Control-Allow-Origin: https:\/\/shop\.test\r\n/);
    const options = answered({ cors: CORS }, get('/').replace('GET /', 'OPTIONS /'));
    assert.equal(options.answer, null);
  });

  it('leave everything to the upstream where none of them answers', () => {
    const { answer, answerLines } = answered({ rewrite: { hostname: 'b', path: null } }, get('/'));
    assert.deepEqual([answer, answerLines], [null, '']);
  });
});

describe('a redirect', () => {
  it('goes to the port that the request came in on, whatever port Host names', () => {
    assert.equal(location(''), 'Location: http://a:8080/a?b');
    const text = get('/', '', 'a:1234');
    assert.equal(answered({ redirect: REDIRECT }, text).answer?.lines, 'Location: http://a:8080/\r\n');
  });

  it('believes a trusted proxy about scheme and port, and nobody else', () => {
    const said = 'X-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\n';
    assert.equal(location(said), 'Location: http://a:8080/a?b');
    assert.equal(location(said, true), 'Location: https://a:8443/a?b');
    assert.equal(location('X-Forwarded-Proto: https\r\n', true), 'Location: https://a/a?b');
    for (const port of ['0', '65536', '080', '-1', 'x', '']) {
      assert.equal(location(`X-Forwarded-Port: ${port}\r\n`, true), 'Location: http://a:8080/a?b', port);
    }
  });

  it('without any host is a bad request', () => {
    const { reason, answer } = answered({ redirect: REDIRECT }, 'GET / HTTP/1.0\r\n\r\n');
    assert.deepEqual([reason, answer], [REASON.badRequest, null]);
  });
});

it('filters that do not answer cost nothing', COUNTED, () => {
  const on = bench();
  const x = exchangeOn(on);
  const head = readHead(on.table, get('/'));
  const filters = link({ rewrite: { hostname: 'b', path: null } });
  const peer = peerOf();
  assert.equal(
    bytesPerCall(() => void answerByFilter(x, filters, head, peer), 5000, 0),
    0,
  );
});
