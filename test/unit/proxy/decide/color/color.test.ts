/** Where a request may name its color, in which order, what strangers lose, and what upstreams are told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { REASON } from '#src/model/reason.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import { freshLines } from '#src/proxy/header/fresh.ts';
import { ANY_PATH, type PlaneSketch, type RouteSketch } from '../../../../support/plane.ts';
import { bench, exchangeOn, get, peerOf, readHead, requestText } from '../../../../support/proxy/parts.ts';

const FRESH = freshLines('0123456789abcdef0123456789abcdef0123456789abcdef');
const VERSIONS: RouteSketch = {
  versions: ['stable', 'blue', 'green', 'red', 'gray'].map((name, n) => ({
    name,
    ports: [7001 + n],
    weight: n === 0 ? 1 : 0,
  })),
};
const PLACES = { query: 'stage', cookie: 'Stage', baggage: 'release.stage' } as const;
const TRUSTED = { ...PLACES, acceptFrom: 'trustedProxies' } as const;

interface Seen {
  readonly x: Exchange;
  readonly version: string | undefined;
  readonly text: string;
}

function seen(request: string, sketch: Partial<PlaneSketch>, isTrusted = false): Seen {
  const on = bench({ routes: [VERSIONS], ...sketch });
  const head = readHead(on.table, request);
  const x = exchangeOn(on);
  x.take(head);
  const peer = peerOf(isTrusted);
  assert.equal(decide(x, head, peer, new Random(1)), REASON.none);
  return { x, version: x.split?.version, text: requestText(x, head, new PeerLines(peer), FRESH) };
}

const ALL =
  'X-Release-Stage: blue\r\nCookie: a=1; Stage=red\r\nCookie: b=2\r\nBaggage: k=v, release.stage=gray;p=1\r\nBaggage: z=1\r\n';

describe('a color', () => {
  it('is looked for in the header, the query, the cookies and the baggage, in this order', () => {
    const of = (request: string): string | undefined => seen(request, { color: PLACES }).version;
    assert.equal(of(get('/?stage=green', ALL)), 'blue');
    assert.equal(of(get('/?stage=green', ALL.replace('blue', 'unknown'))), 'green');
    assert.equal(of(get('/?stage=other', ALL.replace('blue', 'unknown'))), 'red');
    assert.equal(of(get('/', ALL.replace('blue', 'unknown').replace('red', 'x'))), 'gray');
    assert.equal(of(get('/', ALL.replace(/blue|red|gray/g, 'x'))), 'stable');
  });

  it('is not looked for where nothing is configured', () => {
    const { version, text } = seen(get('/?stage=green', ALL.replace('blue', 'x')), {});
    assert.equal(version, 'stable');
    assert.match(text, /^GET \/\?stage=green HTTP/);
    assert.match(text, /\r\nBaggage: k=v, release\.stage=gray;p=1\r\n/);
  });

  it('that pins goes on once in header and baggage, wherever it was', () => {
    for (const lines of [ALL.replace('blue', 'x'), '']) {
      const { x, text } = seen(get('/?stage=green', lines), { color: PLACES });
      assert.equal(x.isPinned, true);
      assert.deepEqual(text.match(/^x-release-stage:.*$/gim), ['x-release-stage: green']);
      const baggage = lines === '' ? 'release.stage=green' : 'k=v,z=1,release.stage=green';
      assert.deepEqual(text.match(/^baggage:.*$/gim), [`baggage: ${baggage}`]);
    }
    const { text } = seen(get('/', 'X-Release-Stage: blue\r\nA: 1\r\nX-Release-Stage: x\r\n'), {});
    assert.deepEqual(text.match(/^x-release-stage:.*$/gim), ['x-release-stage: blue']);
  });

  it('that pins nothing goes on as it came from who is believed', () => {
    const { text, x } = seen(get('/?stage=no', ALL.replace(/blue|red|gray/g, 'no')), { color: TRUSTED }, true);
    assert.equal(x.isPinned, false);
    for (const line of ALL.replace(/blue|red|gray/g, 'no').split('\r\n')) assert.ok(text.includes(line), line);
    assert.match(text, /^GET \/\?stage=no /);
  });
});

describe('what a stranger says of its color', () => {
  it('pins nothing and goes no further; the rest does', () => {
    const { version, text, x } = seen(get('/p?a=1&stage=green&b=2&st%61ge=red', ALL), { color: TRUSTED });
    assert.deepEqual([version, x.isPinned, x.target], ['stable', false, '/p?a=1&b=2']);
    assert.match(text, /^GET \/p\?a=1&b=2 HTTP\/1\.1\r\n/);
    assert.doesNotMatch(text, /stage|blue|green|red|gray/i);
    assert.match(text, /\r\ncookie: a=1; b=2\r\n/);
    assert.match(text, /\r\nbaggage: k=v,z=1\r\n/);
  });

  it('leaves no empty field behind', () => {
    const { text } = seen(get('/?stage=green', 'Cookie: Stage=red\r\nBaggage: release.stage=gray\r\n'), {
      color: TRUSTED,
    });
    assert.match(text, /^GET \/ HTTP/);
    assert.doesNotMatch(text, /cookie|baggage/i);
  });

  it('chooses no route either', () => {
    const exact = (name: string, value: string) => [{ name, type: 'Exact' as const, value }];
    const claimed = {
      ...VERSIONS,
      name: 'claimed',
      matches: [
        { ...ANY_PATH, query: exact('stage', 'green') },
        { ...ANY_PATH, headers: exact('cookie', 'Stage=red') },
        { ...ANY_PATH, headers: exact('baggage', 'release.stage=gray') },
        { ...ANY_PATH, headers: exact('x-release-stage', 'blue') },
      ],
    };
    const sketch = { routes: [claimed, { ...VERSIONS, name: 'plain' }], color: TRUSTED };
    for (const request of [
      get('/?stage=green'),
      get('/', 'Cookie: Stage=red\r\n'),
      get('/', 'Baggage: release.stage=gray\r\n'),
      get('/', 'X-Release-Stage: blue\r\n'),
    ]) {
      assert.equal(seen(request, sketch).x.route?.name, 'plain', request);
      assert.equal(seen(request, sketch, true).x.route?.name, 'claimed', request);
    }
  });

  it('does not stay behind for the next request', () => {
    const on = bench({ routes: [VERSIONS], color: PLACES });
    const ask = (request: string): string | undefined => {
      const head = readHead(on.table, request);
      const x = exchangeOn(on);
      x.take(head);
      decide(x, head, peerOf(), new Random(1));
      requestText(x, head, new PeerLines(peerOf()), FRESH);
      return head.fields.value(on.table.color.baggageField) ?? undefined;
    };
    assert.equal(ask(get('/?stage=green')), 'release.stage=green');
    assert.equal(ask(get('/')), undefined);
  });
});
