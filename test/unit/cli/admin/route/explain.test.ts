import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { routeText } from '#src/cli/admin/route/explain.ts';
import { runCli } from '#src/cli/cli.ts';
import type { RouteAnswer, RouteExplanation, RouteQuestion } from '#src/model/threads/explain.ts';
import { parseConfig, sourcesOf } from '#src/sources/parse.ts';
import { recordedDeps } from '../../../../support/cli.ts';
import { SOUND } from '../../../../support/config.ts';
import { sampleView } from '../../../../support/readings/view.ts';

const V1 = { service: 'shop', version: 'v1', weight: 3, colors: ['v1'] };
const V2 = { service: 'shop', version: 'v2', weight: 1, colors: ['v2', 'blue'] };
const TAKEN: RouteExplanation = {
  revision: 3,
  hash: '3f9a1c00aa',
  method: 'GET',
  host: 'shop.test',
  path: '/cart',
  isTrusted: false,
  outcome: 'forwarded',
  status: 0,
  reason: 'none',
  detail: '',
  route: 'shop',
  match: 'shop.test  PathPrefix /cart',
  version: { ...V2, by: 'color' },
  versions: [V1, V2],
  filters: ['rewrite'],
  rateLimits: ['calm'],
  experiments: [
    { id: 'checkout', group: 'blue' },
    { id: 'search', group: null },
  ],
  notes: ['a note'],
  others: [{ name: 'rest', match: 'any host  PathPrefix /', because: 'it matches too, and comes after shop' }],
  otherHosts: 2,
  more: 4,
};
const REFUSED: RouteExplanation = {
  ...TAKEN,
  ...{ outcome: 'refused', status: 404, reason: 'no_route', detail: 'no route matches', route: null, version: null },
  ...{ versions: [], filters: [], rateLimits: [], experiments: [], notes: [], others: [], otherHosts: 0, more: 0 },
};

async function cli(t: TestContext, argv: readonly string[], answer: RouteAnswer) {
  const questions: RouteQuestion[] = [];
  const explainRoute = (question: RouteQuestion): RouteAnswer => {
    questions.push(question);
    return answer;
  };
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view: sampleView({ explainRoute }) });
  t.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url } });
  const texts: Record<string, string> = { 'x.yaml': SOUND, 's.yaml': 'sources: [{directory: {path: c.d}}]', bad: '[]' };
  const config = {
    ...(await deps.config()),
    readText: async (file: string) => texts[file] ?? '',
    parse: (text: string, file: string) => parseConfig(text, file, {}),
    sources: (text: string, file: string) => sourcesOf(text, file, {}),
    explainRoute: (_config: unknown, _file: string, question: RouteQuestion) => explainRoute(question),
  };
  const code = await runCli(['route', ...argv], { ...deps, config: async () => config });
  return { code, out: out(), err: err(), questions };
}

suite('sluice route explain', { timeout: 120_000 }, () => {
  test('a running gateway is asked, and what it says is shown', async (t) => {
    const words = ['explain', 'GET', 'http://shop.test/cart?x=1', '-H', 'A: b: c', '-H', 'D:e', '--from', '10.0.0.1'];
    const { code, out, questions } = await cli(t, words, { kind: 'done', explanation: TAKEN });
    assert.equal(code, 0);
    assert.deepEqual(questions, [
      {
        method: 'GET',
        url: 'http://shop.test/cart?x=1',
        headers: [
          ['A', 'b: c'],
          ['D', 'e'],
        ],
        from: '10.0.0.1',
      },
    ]);
    assert.equal(
      out,
      'GET /cart of shop.test, from a stranger; revision 3 #3f9a1c00\n' +
        'route shop  by shop.test  PathPrefix /cart\n' +
        '  filter rewrite, rate limit calm, experiment checkout: blue, experiment search: outside\n' +
        '  shop v1  75 %  colors v1\n' +
        '  shop v2  25 %  colors v2, blue  ◀ its color pins it\n' +
        'note: a note\n' +
        'not taken by\n' +
        '  rest  any host  PathPrefix /: it matches too, and comes after shop\n' +
        '  and 4 more of this host, 2 of other hosts\n',
    );
    const json = await cli(t, [...words, '-o', 'json'], { kind: 'done', explanation: TAKEN });
    assert.deepEqual(JSON.parse(json.out), TAKEN);
  });

  test('a refusal and a filter that answers have words of their own', async (t) => {
    const refused = await cli(t, ['explain', 'GET', 'http://a/'], { kind: 'done', explanation: REFUSED });
    assert.equal(refused.code, 1);
    assert.match(refused.out, /\nrefused with 404 no_route: no route matches\n$/);
    const answered = { ...TAKEN, outcome: 'answered', status: 301, isTrusted: true, host: '' } as const;
    assert.match(routeText(answered), /of no host, from a trusted proxy[^]*answered with 301 by a filter\n/);
    assert.match(routeText({ ...TAKEN, versions: [{ ...V1, weight: 0 }] }), /shop v1  0 %/);
    const unasked = await cli(t, ['explain', 'GET', 'x'], { kind: 'refused', detail: 'the URL must be one' });
    assert.deepEqual([unasked.code, unasked.err], [1, 'sluice: the URL must be one\n']);
  });

  test('a document is asked instead, unless its routes are elsewhere', async (t) => {
    const done = { kind: 'done', explanation: TAKEN } as const;
    const { code, questions } = await cli(t, ['explain', 'GET', 'http://a/', '--config', 'x.yaml'], done);
    assert.deepEqual([code, questions.length], [0, 1]);
    const sourced = await cli(t, ['explain', 'GET', 'http://a/', '--config', 's.yaml'], done);
    assert.match(sourced.err, /routes of s\.yaml may be in directory c\.d: ask a running gateway/);
    const bad = await cli(t, ['explain', 'GET', 'http://a/', '--config', 'bad'], done);
    assert.deepEqual([bad.code, bad.questions.length], [1, 0]);
    assert.match(bad.err, /bad has \d+ problem/);
  });

  test('wrong usage and a server that is not there are told', async (t) => {
    const done = { kind: 'done', explanation: TAKEN } as const;
    for (const [argv, message] of [
      [[], /route takes one of ls, get, explain\n/],
      [['exlain', 'GET', 'x'], /route takes one of ls, get, explain, got exlain \(did you mean explain\?\)/],
      [['explain', 'GET'], /takes a method and a URL/],
      [['explain', 'GET', 'x', '-H', 'nothing'], /--header takes 'NAME: VALUE'/],
      [['explain', 'GET', 'x', '--config', 'a', '--admin', 'b'], /exclude each other/],
    ] as const) {
      const { code, err } = await cli(t, argv, done);
      assert.equal(code, 2);
      assert.match(err, message);
    }
    const gone = await cli(t, ['explain', 'GET', 'http://a/', '--admin', 'http://127.0.0.1:1'], done);
    assert.equal(gone.code, 3);
  });
});
