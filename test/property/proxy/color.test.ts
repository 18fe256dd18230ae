/**
 * Whatever a stranger writes into the places of a color, it pins nothing and its upstream reads none. FUZZ_SEED replays.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import { freshLines } from '#src/proxy/header/fresh.ts';
import { RequestDraft } from '#src/proxy/header/request.ts';
import { fuzzSeed } from '../../support/http/fuzz/mutate.ts';
import { bench, exchangeOn, get, peerOf, readHead, TWO_VERSIONS } from '../../support/proxy/parts.ts';

const SEED = fuzzSeed();
const REQUESTS = 5000;
const FRESH = freshLines('0'.repeat(48));
const PIECES = [
  'stage',
  'Stage',
  'st%61ge',
  '=',
  '=',
  'blue',
  'canary',
  ';',
  ',',
  '&',
  ' ',
  '"',
  '%',
  'a',
  '\t',
  '?',
  '+',
];
const NAMES = ['Cookie', 'cookie', 'Baggage', 'X-Release-Stage', 'x-release-stage', 'X_Release-Stage', 'A'];
/** What a reader of cookies, queries or baggage would take for the color. */
const READABLE = [
  /^[Cc]ookie:(?:.*;)?[ \t]*stage[ \t]*=[ \t]*(?:blue|canary)[ \t]*(?:;|$)/m,
  /^[Bb]aggage:(?:.*,)?[ \t]*stage[ \t]*=[ \t]*(?:blue|canary)[ \t]*(?:[;,]|$)/m,
  /^GET [^ ?]*\?(?:[^ ]*&)?(?:stage|st%61ge)=(?:blue|canary)(?:&| )/m,
  /^x.release.stage:/im,
];

it(`a forged color never pins and never goes on, seed ${SEED}`, () => {
  const random = new Random(SEED);
  const pick = <T>(list: readonly T[]): T => list[random.nextUint32() % list.length] as T;
  const text = (): string => Array.from({ length: random.nextUint32() % 9 }, () => pick(PIECES)).join('');
  const color = { acceptFrom: 'trustedProxies', query: 'stage', cookie: 'stage', baggage: 'stage' } as const;
  const on = bench({ routes: [TWO_VERSIONS], color });
  on.dials.fill(0, 2, 3);
  let believed = 0;
  for (let n = 0; n < REQUESTS; n++) {
    const query = text().replace(/[ \t"]/g, '');
    const lines = Array.from({ length: random.nextUint32() % 5 }, () => `${pick(NAMES)}: ${text()}\r\n`).join('');
    const request = get(`/?${query}`, lines);
    for (const isTrusted of [false, true]) {
      const head = readHead(on.table, request);
      const x = exchangeOn(on);
      x.take(head);
      const peer = peerOf(isTrusted);
      decide(x, head, peer, random);
      const draft = new RequestDraft();
      draft.begin(x, head, new PeerLines(peer), FRESH);
      if (isTrusted) {
        believed += x.isPinned ? 1 : 0;
        continue;
      }
      assert.deepEqual([x.isPinned, x.split?.version], [false, 'stable'], request);
      for (const pattern of READABLE) assert.doesNotMatch(draft.text(), pattern, request);
    }
  }
  assert.ok(believed > 20, `only ${believed} requests would have pinned anything: the test is blind`);
});
