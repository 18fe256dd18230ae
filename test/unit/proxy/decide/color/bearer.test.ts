/** Where a token is, and when it is not looked for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { REASON } from '#src/model/reason.ts';
import { TOKEN_USER } from '#src/model/threads/tls.ts';
import { pinByToken, tokenOf } from '#src/proxy/decide/color/bearer.ts';
import { AWAITS_TOKEN, decide } from '#src/proxy/decide/decide.ts';
import { claimsOf, keyOf, keySetOf, signed, tokenConfig } from '../../../../support/http/tokens.ts';
import {
  type Bench,
  bench,
  exchangeOn,
  get,
  peerOf,
  readHead,
  routeOf,
  TWO_VERSIONS,
  WALL_MS,
} from '../../../../support/proxy/parts.ts';

const KEY = keyOf('k', 'EdDSA');

describe('a token', () => {
  it('is that of Authorization, else that of the cookie', () => {
    const { table } = bench();
    const of = (lines: string, cookie: string | null = 'sid') => tokenOf(readHead(table, get('/', lines)), cookie);
    assert.equal(of('Authorization: Bearer a.b.c\r\nCookie: sid=d.e.f\r\n'), 'a.b.c');
    assert.equal(of('Authorization: bearer   a.b.c\r\n'), 'a.b.c');
    assert.equal(of('Authorization: Basic eA==\r\nCookie: a=1; sid=d.e.f\r\n'), 'd.e.f');
    assert.equal(of('Cookie: sid=d.e.f\r\n', null), null);
    assert.equal(of('Authorization: Bearer a.b.c\r\nAuthorization: Bearer d.e.f\r\n'), null);
    assert.equal(of(''), null);
  });
});

describe('a user key', () => {
  const sticky = { header: TOKEN_USER, cookie: null, clientIp: true };
  function deskOf(claim: string | null): Bench {
    const jwt = tokenConfig({ claim });
    const on = bench({ routes: [{ ...TWO_VERSIONS, sticky }], color: { jwt } });
    on.lane.tokens.configure(jwt);
    on.lane.tokens.learn(keySetOf(KEY));
    return on;
  }
  const request = (more: Record<string, unknown>, key = KEY): string =>
    get('/', `Authorization: Bearer ${signed(key, claimsOf(WALL_MS, more))}\r\n`);
  async function keyOfUser(on: Bench, text: string): Promise<number> {
    for (;;) {
      const x = exchangeOn(on);
      const head = readHead(on.table, text);
      if (decide(x, head, peerOf(), new Random(1)) !== AWAITS_TOKEN) return x.userKey;
      await new Promise<void>((resolve) => on.lane.tokens.whenKnown(resolve));
    }
  }

  it('is that of the token, whichever token it is, with a color or without', async () => {
    for (const claim of ['stage', null]) {
      const on = deskOf(claim);
      const ada = await keyOfUser(on, request({ sub: 'ada', stage: 'canary' }));
      assert.equal(await keyOfUser(on, request({ sub: 'ada', jti: '2' })), ada);
      assert.notEqual(await keyOfUser(on, request({ sub: 'bob' })), ada);
    }
  });

  it('is the next source where the token is not good, or there is none', async () => {
    const on = deskOf('stage');
    const byAddress = await keyOfUser(on, get('/', ''));
    assert.equal(await keyOfUser(on, request({ sub: 'ada' }, keyOf('k', 'EdDSA'))), byAddress);
    assert.equal(await keyOfUser(on, request({ sub: 'ada', exp: 1 })), byAddress);
    assert.notEqual(await keyOfUser(on, request({ sub: 'ada' })), byAddress);
  });

  it('is what a gateway that sheds goes by, which asks once about a request', async () => {
    const on = deskOf('stage');
    const [ada, seen] = [await keyOfUser(on, request({ sub: 'ada' })), [] as number[]];
    const refuses = (_rank: number, key: number): boolean => seen.push(key) > 0;
    Object.defineProperty(on.lane, 'shedder', { value: { isOn: true, refuses } });
    await keyOfUser(on, request({ sub: 'ada', jti: '2' }));
    assert.deepEqual(seen, [ada]);
  });
});

describe('a decision', () => {
  function deskOf(versions = TWO_VERSIONS.versions): Bench {
    const on = bench({ routes: [{ versions }], color: { jwt: tokenConfig(), acceptFrom: 'trustedProxies' } });
    on.lane.tokens.configure(tokenConfig());
    on.lane.tokens.learn(keySetOf(KEY));
    return on;
  }
  const request = (stage: unknown, lines = ''): string =>
    get('/', `${lines}Authorization: Bearer ${signed(KEY, claimsOf(WALL_MS, { stage }))}\r\n`);

  it('awaits a token that is not known, and is made anew with it', async () => {
    const on = deskOf();
    const text = request(['nothing', 'blue']);
    const x = exchangeOn(on);
    assert.equal(decide(x, readHead(on.table, text), peerOf(), new Random(1)), AWAITS_TOKEN);
    assert.deepEqual([x.split, x.isPinned], [null, false]);
    await new Promise<void>((resolve) => on.lane.tokens.whenKnown(resolve));
    const again = exchangeOn(on);
    const head = readHead(on.table, text);
    assert.equal(decide(again, head, peerOf(), new Random(1)), REASON.none);
    assert.deepEqual([again.split?.version, again.isPinned], ['canary', true]);
    assert.equal(head.fields.value(on.table.color.field), 'blue');
  });

  it('goes by the weights when the claim names no version', async () => {
    const on = deskOf();
    const text = request('purple');
    decide(exchangeOn(on), readHead(on.table, text), peerOf(), new Random(1));
    await new Promise<void>((resolve) => on.lane.tokens.whenKnown(resolve));
    const x = exchangeOn(on);
    assert.equal(decide(x, readHead(on.table, text), peerOf(), new Random(1)), REASON.none);
    assert.deepEqual([x.split === null, x.isPinned], [false, false]);
  });

  it('looks at no token where another place pins, or there is no choice', () => {
    const on = deskOf();
    const trusted = readHead(on.table, request('blue', 'X-Release-Stage: stable\r\n'));
    assert.equal(decide(exchangeOn(on), trusted, peerOf(true), new Random(1)), REASON.none);
    const alone = deskOf(TWO_VERSIONS.versions.slice(0, 1));
    const head = readHead(alone.table, request('blue'));
    assert.equal(pinByToken(exchangeOn(alone), head, routeOf(alone.table)), true);
    assert.equal(decide(exchangeOn(alone), readHead(alone.table, request('x')), peerOf(), new Random(1)), REASON.none);
    assert.equal(on.lane.tokens.size.pending + alone.lane.tokens.size.pending, 0);
  });
});
