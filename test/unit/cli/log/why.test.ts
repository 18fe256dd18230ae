import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { answerOf, textOf, type Why } from '#src/cli/log/why.ts';
import { adminFor, depsOf } from '../../../support/readings/admin.ts';
import { sampleDecision, sampleRoute, sampleStatus, sampleVersion } from '../../../support/readings/status.ts';

const ID = 'ab'.repeat(16);
const DECISIONS = [
  sampleDecision({ id: 11, sentence: 'v2 rolled back: first', sampleRequestIds: [ID] }),
  sampleDecision({ id: 12, sentence: 'v2 rolled back: second' }),
  sampleDecision({ id: 13, route: 'search', sentence: 'v2 promoted', kind: 'promote' }),
];
const plain = sampleRoute({ name: 'plain', rollout: null, versions: [sampleVersion({ weightBecause: 'v2 is down' })] });
const KNOWN = { decisions: DECISIONS, status: sampleStatus({ routes: [sampleRoute(), plain] }) };

const told = (subject: string, known = KNOWN): Why => {
  const answer = answerOf(subject, known);
  return typeof answer === 'string' ? assert.fail(answer) : answer;
};

suite('why', () => {
  test('is the newest decision: of all, of a route, by its number, or that names a request', () => {
    assert.equal(told('').decision?.id, 13);
    assert.equal(told('checkout').decision?.id, 12);
    for (const number of ['11', '#11']) assert.equal(told(number).decision?.id, 11);
    assert.equal(told(ID).decision?.id, 11);
    assert.equal(told(ID).sentence, 'checkout: v2 rolled back: first');
    assert.equal(told(ID).now[0], '1 later decisions about checkout: sluice why checkout');
  });

  test('says how the route stands now, and what keeps its rollout', () => {
    const gates = [
      { name: 'requests', isPassed: false, needed: 100, seen: 3, sentence: '3 of 100 requests' },
      { name: 'time', isPassed: true, needed: 1, seen: 1, sentence: 'long enough' },
    ] as const;
    const { rollout } = sampleRoute();
    assert.ok(rollout !== null);
    const status = sampleStatus({
      routes: [sampleRoute({ rollout: { ...rollout, state: 'progressing', gates: gates as never, next: 'step 2' } })],
    });
    const { now } = told('checkout', { ...KNOWN, status });
    assert.match(now[0] ?? '', /^checkout is progressing: /);
    assert.deepEqual(now.slice(1, 3), ['requests keeps it: 3 of 100 requests', 'next step 2']);
  });

  test('of a route without decisions it is what its weights rest on', () => {
    const { sentence, decision, now } = told('plain');
    assert.deepEqual([decision, now.length], [null, 1]);
    assert.match(sentence, /^plain: nothing was decided about it; weights v1 \d+$/);
    assert.match(now[0] ?? '', /v2 is down$/);
  });

  test('of a request that no decision names it is what came of it, if it missed an objective', () => {
    const sample = { version: 'v1', at: '2026-11-01T08:01:10.000Z', latencyMs: 480, status: 200, reason: 'none' };
    const bad = ['b1', 'b2', 'b3', 'b4'].map((requestId) => ({ ...sample, requestId, status: 503, reason: 'shed' }));
    const slow = [{ ...sample, requestId: 's1' }];
    const known = { ...KNOWN, status: { ...KNOWN.status, samples: [{ route: 'plain', bad, slow }] } };
    const late =
      'plain: request s1  200, 480 ms, v1, 2026-11-01T08:01:10.000Z: it came later than the objective of its route asks';
    assert.deepEqual(
      [told('s1', known).sentence, told('s1', known).decision],
      [`${late}, and no decision names it`, null],
    );
    assert.match(told('b4', known).sentence, /503 shed, 480 ms, [^:]+:[^:]+:[^:]+: it was bad, and no decision/);
    assert.equal(told(ID, known).decision?.id, 11, 'a decision that names it goes before');
    const { now } = told('plain', known);
    assert.deepEqual(
      now.slice(1).map((line) => line.slice(0, 15)),
      ['bad request b1 ', 'bad request b2 ', 'bad request b3 ', 'late request s1'],
    );
  });

  test('a configuration that was refused is told with its problems', () => {
    const { config } = sampleStatus();
    const problem = { code: 'SLU1012', file: 'a', line: 3, column: 5, path: 'x', expected: 'y', got: 'z', hint: '' };
    const last = { at: '2026-11-01T08:00:00.000Z', result: 'refused' as const, problems: [problem] };
    const status = sampleStatus({ config: { ...config, last } });
    const { sentence, now } = told('', { decisions: [], status });
    assert.match(sentence, /was refused: 1 problems; #\w{8} stays in force$/);
    assert.deepEqual(now, ['a:3:5: SLU1012 x: expected y, got z']);
    assert.equal(told('', { decisions: DECISIONS, status }).now.length, 2);
  });

  test('what nothing is known of is said with what might be meant', () => {
    const refused = (subject: string): string => {
      const answer = answerOf(subject, KNOWN);
      return typeof answer === 'string' ? answer : assert.fail(answer.sentence);
    };
    assert.match(refused('chekout'), /^there is no route chekout \(did you mean checkout\?\)/);
    assert.match(refused('99'), /^there is no decision 99/);
    assert.match(refused('cd'.repeat(16)), /^no decision names request cd/);
    assert.equal(answerOf('', { decisions: [], status: null }), 'nothing was decided yet');
  });
});

suite('sluice why', { timeout: 120_000 }, () => {
  test('asks a gateway, or reads a state directory, and answers as text or JSON', async (context) => {
    const view = { decisions: () => DECISIONS, status: () => KNOWN.status };
    const url = await adminFor(context, { view });
    const text = depsOf(url);
    assert.equal(await runCli(['why', 'checkout'], text.deps), 0);
    assert.equal(text.out(), textOf(told('checkout')));
    assert.match(text.out(), /^checkout: v2 rolled back: second\n {2,}requests[^]*\nnow {6}checkout is /);
    const json = depsOf(url);
    assert.equal(await runCli(['why', ID, '-o', 'json'], json.deps), 0);
    assert.equal((JSON.parse(json.out()) as Why).decision?.id, 11);
    const lines = DECISIONS.map((one) => ({ kind: 'decision', body: JSON.stringify(one) }));
    const state = depsOf('http://127.0.0.1:1');
    const log = { ...(await state.deps.log()), read: () => lines as never };
    assert.equal(await runCli(['why', 'search', '--state', 'dir'], { ...state.deps, log: async () => log }), 0);
    assert.match(state.out(), /^search: v2 promoted\n/);
  });

  test('exits with 1 where nothing is known, and 3 where nobody answers', async (context) => {
    const { deps, err } = depsOf(await adminFor(context, { view: { decisions: () => [] } }));
    assert.equal(await runCli(['why', 'x'], deps), 1);
    assert.match(err(), /^sluice: there is no route x/);
    assert.equal(await runCli(['why'], depsOf('http://127.0.0.1:1').deps), 3);
    assert.equal(await runCli(['why', 'a', 'b'], deps), 2);
  });
});
