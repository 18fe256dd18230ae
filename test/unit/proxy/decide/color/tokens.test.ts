/** Tokens that were verified: remembered within bounds, awaited within time, forgotten with their keys. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TOKEN_RESULTS } from '#src/model/threads/color.ts';
import { BAD_MAX, BAD_MS, GOOD_MAX, PENDING_MAX, Tokens, WAIT_MS_MAX } from '#src/proxy/decide/color/tokens.ts';
import { claimsOf, keyOf, keySetOf, signed, tokenConfig } from '../../../../support/http/tokens.ts';
import { WALL_MS } from '../../../../support/proxy/parts.ts';

const KEY = keyOf('k', 'EdDSA');
const OTHER = keyOf('other', 'EdDSA');
const SET = keySetOf(KEY);

function tokenOf(more: Record<string, unknown> = {}, key = KEY): string {
  return signed(key, claimsOf(WALL_MS, { stage: 'canary', ...more }));
}

class Scene {
  now = 0;
  wall = WALL_MS;
  wanted = 0;
  readonly results: string[] = [];
  readonly tokens = new Tokens({
    count: (result) => void this.results.push(TOKEN_RESULTS[result] as string),
    wantKeys: () => void this.wanted++,
    nowMs: () => this.now,
    wallMs: () => this.wall,
  });

  constructor(set: string | null = SET) {
    this.tokens.configure(tokenConfig());
    this.tokens.learn(set);
  }

  /** Looks, and again once the token is known. */
  async ask(token: string): Promise<readonly string[]> {
    for (;;) {
      const colors = this.tokens.colorsOf(token);
      if (colors !== null) return colors;
      await new Promise<void>((resolve) => this.tokens.whenKnown(resolve));
    }
  }

  /** Looks at many, as many at a time as are verified at a time. */
  async askAll(tokens: readonly string[]): Promise<void> {
    for (let first = 0; first < tokens.length; first += PENDING_MAX) {
      await Promise.all(tokens.slice(first, first + PENDING_MAX).map((token) => this.ask(token)));
    }
  }
}

describe('the user of a token', () => {
  it('is a digest of the claim, the same in every token, and none in a bad one', async () => {
    const scene = new Scene();
    const userOf = async (token: string): Promise<string> => {
      for (;;) {
        const user = scene.tokens.userOf(token);
        if (user !== null) return user;
        await new Promise<void>((resolve) => scene.tokens.whenKnown(resolve));
      }
    };
    const user = await userOf(tokenOf({ sub: 'ada' }));
    assert.match(user, /^[\w+/]{43}=$/);
    assert.equal(await userOf(tokenOf({ sub: 'ada', stage: undefined, jti: '2' })), user);
    assert.notEqual(await userOf(tokenOf({ sub: 'bob' })), user);
    assert.equal(await userOf(tokenOf({ sub: 'ada' }, OTHER)), '');
    assert.equal(await userOf('no.token'), '');
    assert.deepEqual(scene.results, ['verified', 'verified', 'verified', 'unknown_key', 'malformed']);
    scene.tokens.configure(tokenConfig({ userClaim: 'uid' }));
    assert.equal(await userOf(tokenOf({ sub: 'ada' })), '');
    assert.equal(await userOf(tokenOf({ uid: 'ada' })), user);
    assert.notEqual(await userOf(tokenOf({ uid: 7 })), '');
    for (const uid of ['', null, true, {}, ['ada']]) assert.equal(await userOf(tokenOf({ uid })), '');
  });

  it('is counted once with the color, and a color that is missing is one', async () => {
    const scene = new Scene();
    const token = tokenOf({ sub: 'ada', stage: undefined });
    assert.deepEqual(await scene.ask(token), []);
    scene.tokens.userOf(token);
    assert.deepEqual(scene.tokens.colorsOf(token, false), []);
    assert.deepEqual(scene.results, ['claim', 'verified']);
    assert.deepEqual(scene.tokens.size, { good: 1, bad: 0, pending: 0 });
  });

  it('that many have pushes no color out, and the other way round', async () => {
    const scene = new Scene();
    const canary = tokenOf();
    await scene.ask(canary);
    await scene.askAll(Array.from({ length: GOOD_MAX + 1 }, (_, n) => tokenOf({ sub: n, stage: undefined })));
    assert.deepEqual(scene.tokens.size, { good: GOOD_MAX + 2, bad: 0, pending: 0 });
    assert.deepEqual(scene.tokens.colorsOf(canary), ['canary']);
  });
});

describe('a token', () => {
  it('is verified once, and looked up from then on', async () => {
    const scene = new Scene();
    const token = tokenOf();
    assert.equal(scene.tokens.colorsOf(token), null);
    assert.equal(scene.tokens.size.pending, 1);
    assert.equal(scene.tokens.colorsOf(token), null);
    assert.equal(scene.tokens.size.pending, 1, 'a second request waits for the same verification');
    assert.deepEqual(await scene.ask(token), ['canary']);
    assert.deepEqual(scene.tokens.colorsOf(token), ['canary']);
    assert.deepEqual(scene.results, ['verified', 'verified']);
    assert.deepEqual(scene.tokens.size, { good: 1, bad: 0, pending: 0 });
  });

  it('counts no longer when it expires, and not before its time', async () => {
    const scene = new Scene();
    const now = Math.floor(WALL_MS / 1000);
    const token = tokenOf({ nbf: now, exp: now + 10 });
    assert.deepEqual(await scene.ask(token), ['canary']);
    scene.wall += 40_001;
    assert.deepEqual(await scene.ask(token), []);
    scene.wall = WALL_MS - 30_001;
    assert.deepEqual(await scene.ask(token), []);
    assert.deepEqual(scene.results, ['verified', 'expired', 'not_yet']);
  });

  it('that is bad is not looked at again for a while', async () => {
    const scene = new Scene();
    const token = tokenOf({ aud: 'other' });
    assert.deepEqual(await scene.ask(token), []);
    assert.deepEqual(scene.tokens.colorsOf(token), []);
    scene.now += BAD_MS;
    assert.equal(scene.tokens.colorsOf(token), null);
    assert.deepEqual(scene.results, ['audience', 'audience']);
  });

  it('that has no such form is not looked at at all', () => {
    const scene = new Scene();
    for (const token of ['', 'a.b', 'a.b.c.d', 'a.b.', 'a.b.c ', `${'a'.repeat(9000)}.b.c`]) {
      assert.deepEqual(scene.tokens.colorsOf(token), []);
    }
    assert.deepEqual(new Set(scene.results), new Set(['malformed']));
    assert.equal(scene.tokens.size.pending, 0);
  });

  it('counts for nothing without keys', () => {
    const scene = new Scene(null);
    assert.deepEqual(scene.tokens.colorsOf(tokenOf()), []);
    assert.deepEqual(scene.results, ['no_keys']);
  });
});

describe('a change of keys', () => {
  it('forgets every verdict, good and bad', async () => {
    const scene = new Scene();
    const [good, bad] = [tokenOf(), tokenOf({}, OTHER)];
    assert.deepEqual([await scene.ask(good), await scene.ask(bad)], [['canary'], []]);
    scene.tokens.learn(keySetOf(OTHER));
    assert.deepEqual(scene.tokens.size, { good: 0, bad: 0, pending: 0 });
    assert.deepEqual([await scene.ask(good), await scene.ask(bad)], [[], ['canary']]);
    scene.tokens.learn(keySetOf(OTHER));
    assert.equal(scene.tokens.size.good, 1, 'the same keys are no change');
    scene.tokens.configure(tokenConfig({ audience: ['other'] }));
    assert.deepEqual(await scene.ask(bad), []);
  });

  it('while a token is being verified has it verified anew', async () => {
    const scene = new Scene();
    const asked = scene.ask(tokenOf({}, OTHER));
    scene.tokens.learn(keySetOf(OTHER));
    assert.deepEqual(await asked, ['canary']);
  });

  it('is asked for when a token names an unknown one, but not for each of a flood', async () => {
    const scene = new Scene();
    for (let n = 0; n < 5; n++) assert.deepEqual(await scene.ask(tokenOf({ n }, OTHER)), []);
    assert.equal(scene.wanted, 1);
    scene.now += 1000;
    await scene.ask(tokenOf({ n: 6 }, OTHER));
    assert.equal(scene.wanted, 2);
  });

  it('to something that is no key set makes every token bad', async () => {
    const scene = new Scene('{"keys": 1}');
    assert.deepEqual(await scene.ask(tokenOf()), []);
    assert.deepEqual(scene.results, ['bad_key']);
  });
});

describe('under a flood', () => {
  it('bad tokens do not push good ones out, and are bounded themselves', async () => {
    const scene = new Scene();
    await scene.ask(tokenOf());
    const forged = (n: number): string => `${tokenOf().slice(0, -8)}${String(n).padStart(8, 'A')}`;
    await scene.askAll(Array.from({ length: BAD_MAX + 50 }, (_, n) => forged(n)));
    assert.deepEqual(scene.tokens.size, { good: 1, bad: BAD_MAX, pending: 0 });
  });

  it('no more are verified at a time than the bound; the others do not wait', async () => {
    const scene = new Scene();
    const token = tokenOf();
    for (let n = 0; n < PENDING_MAX; n++) assert.equal(scene.tokens.colorsOf(`${token}${n}`), null);
    assert.deepEqual(scene.tokens.colorsOf(token), []);
    assert.deepEqual(scene.results, ['busy']);
    assert.equal(scene.tokens.size.pending, PENDING_MAX);
  });

  it('a request waits for a bounded time, and its token counts when it is known', async () => {
    const scene = new Scene();
    const token = tokenOf();
    scene.tokens.colorsOf(token);
    let told = 0;
    scene.tokens.whenKnown(() => void told++);
    scene.tokens.sweep(WAIT_MS_MAX - 1);
    assert.equal(told, 0);
    scene.tokens.sweep(WAIT_MS_MAX);
    scene.tokens.sweep(WAIT_MS_MAX + 1);
    assert.equal(told, 1);
    assert.deepEqual(scene.tokens.colorsOf(token), []);
    assert.deepEqual(scene.results, ['late']);
    while (scene.tokens.size.pending > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(scene.tokens.colorsOf(token), ['canary']);
  });
});
