import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { suite, test } from 'node:test';
import type { BoardSource } from '#src/admin/page/live.ts';
import { runCli } from '#src/cli/cli.ts';
import { textOf } from '#src/cli/live/events.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { adminFor, depsOf } from '../../../support/readings/admin.ts';
import { sampleBoardSource } from '../../../support/readings/board.ts';

type Events = ReturnType<BoardSource['events']>;

const event = (n: number, changes: Partial<Events[number]> = {}): Events[number] => ({
  id: `d${n}`,
  atMs: Date.parse('2026-11-01T08:00:00.000Z') + 1000 * n,
  kind: 'step',
  tone: 'calm',
  route: 'shop',
  sentence: `step ${n}`,
  facts: [['Moved by', 'evidence']],
  ...changes,
});

/** A gateway with two events; those that `add` adds happen later. */
function happening() {
  let events: Events = [event(2, { kind: 'rollback' }), event(1, { route: '' })];
  const board = sampleBoardSource({ events: () => events, eventsKey: () => String(events.length) });
  return { view: { board }, add: (one: Events[number]) => void (events = [one, ...events]) };
}

suite('sluice events', { timeout: 120_000 }, () => {
  test('lists what happened, oldest first, with its numbers where they are asked for', async (context) => {
    const url = await adminFor(context, happening());
    const list = async (...argv: string[]) => {
      const { deps, out } = depsOf(url);
      return [await runCli(['events', ...argv], deps), out()];
    };
    const second = '2026-11-01T08:00:02.000Z  rollback  shop: step 2\n';
    assert.deepEqual(await list(), [0, `2026-11-01T08:00:01.000Z  step      step 1\n${second}`]);
    assert.deepEqual(await list('--route', 'shop', '--facts'), [0, `${second}    Moved by  evidence\n`]);
    assert.deepEqual(await list('--kind', 'rollback'), [0, second]);
    assert.deepEqual(await list('--kind', 'promote'), [0, '']);
  });

  test('no name and no sentence is a command to the terminal', () => {
    const evil = 'a\u001b]0;x\u0007\nb';
    const forged = event(1, { route: evil, sentence: evil, kind: evil, facts: [[evil, evil]] });
    const [, ...lines] = textOf(forged, { hasFacts: true, isJson: false }).split('\n');
    assert.deepEqual(lines, [`    ${[evil, evil].join('  ').replace(/\p{Cc}/gu, '\ufffd')}`, '']);
  });

  test('as JSON each is a line', () => {
    assert.deepEqual(JSON.parse(textOf(event(3), { hasFacts: false, isJson: true })), {
      id: 'd3',
      at: '2026-11-01T08:00:03.000Z',
      kind: 'step',
      route: 'shop',
      sentence: 'step 3',
      facts: { 'Moved by': 'evidence' },
    });
  });

  test('as JSON it is asked for with -o json; what is not understood is wrong usage', async (context) => {
    const url = await adminFor(context, happening());
    const list = async (...argv: string[]): Promise<[number, string]> => {
      const { deps, out } = depsOf(url);
      return [await runCli(['events', ...argv], deps), out()];
    };
    const [code, out] = await list('-o', 'json');
    const ids = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly id: string }).id);
    assert.deepEqual([code, ids], [0, ['d1', 'd2']]);
    assert.deepEqual(await list('-o', 'xml'), [2, '']);
    assert.deepEqual(await list('--flow'), [2, '']);
  });

  test('a stream that is refused ends it', async (context) => {
    const server = createServer((request, response) => {
      const isStream = request.url?.startsWith('/api/v1/live') === true;
      response.writeHead(isStream ? 421 : 200, { 'content-type': 'application/json' });
      response.end(isStream ? '{"detail":"not this host"}' : '{"events":[]}');
    });
    const { deps, err } = depsOf(`http://127.0.0.1:${await listenLoopback(server)}`);
    context.after(() => server.close());
    assert.equal(await runCli(['events', '-f'], deps), 1);
    assert.equal(err(), 'sluice: not this host\n');
  });

  test('follows what happens, tells nothing twice, and ends by a signal', async (context) => {
    const { view, add } = happening();
    const { deps, events, out } = depsOf(await adminFor(context, { view }));
    const writes: string[] = [];
    const stdout = {
      ...deps.stdout,
      write(text: string) {
        deps.stdout.write(text);
        writes.push(text);
        if (writes.length === 1) add(event(3));
        if (writes.length === 2) events.emit('SIGINT');
      },
    };
    assert.equal(await runCli(['events', '-f'], { ...deps, stdout }), 130);
    assert.deepEqual(out().match(/step \d$/gm), ['step 1', 'step 2', 'step 3']);
  });

  test('a gateway that is not there is said; the signals are let go of', async () => {
    const { deps, events, err } = depsOf('http://127.0.0.1:1');
    assert.equal(await runCli(['events', '-f'], deps), 3);
    assert.match(err(), /cannot reach the admin server at http:\/\/127\.0\.0\.1:1/);
    assert.equal(events.listenerCount('SIGINT'), 0);
  });
});
