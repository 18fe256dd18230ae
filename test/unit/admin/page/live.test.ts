import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type BoardSource, Live, ROUTES_MAX } from '#src/admin/page/live.ts';
import { CLIENTS_MAX } from '#src/admin/page/stream.ts';
import type { Board } from '#src/admin/page/view/board.ts';
import { type AdminServer, startAdmin } from '#src/admin/server.ts';
import { sampleBoardSource } from '../../../support/readings/board.ts';
import { sampleView } from '../../../support/readings/view.ts';

interface Rig {
  readonly admin: AdminServer;
  /** Opens the stream; `next` resolves with the data of the next event of that name. */
  open(
    query?: string,
  ): Promise<{ readonly status: number; next(name: string): Promise<string>; leave(): Promise<void> }>;
}

async function start(
  context: TestContext,
  board: Partial<BoardSource> = {},
  onFailure = (): void => undefined,
): Promise<Rig> {
  const view = sampleView({ board: sampleBoardSource(board) });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view, onFailure });
  context.after(() => admin.close());
  return {
    admin,
    open: async (query = '') => {
      const response = await fetch(`${admin.url}/api/v1/live${query}`);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      context.after(() => reader.cancel());
      let text = '';
      const next = async (name: string): Promise<string> => {
        for (;;) {
          const event = new RegExp(`event: ${name}\\ndata: (.*)\\n\\n`).exec(text);
          if (event !== null) {
            text = text.slice(event.index + event[0].length);
            return event[1] as string;
          }
          const { done, value } = await reader.read();
          if (done) throw new Error(`the stream ended: ${text}`);
          text += Buffer.from(value).toString();
        }
      };
      return { status: response.status, next, leave: () => reader.cancel() };
    },
  };
}

suite('live', { timeout: 120_000 }, () => {
  test('a reader gets what happened and the moment at once, then the next moments', async (context) => {
    const rig = await start(context);
    const reader = await rig.open();
    assert.match(await reader.next('events'), /"kind":"rollback"/);
    const first = JSON.parse(await reader.next('board')) as Board;
    assert.equal(first.routes[0]?.route.name, 'checkout');
    const second = JSON.parse(await reader.next('board')) as Board;
    assert.ok(second.atMs >= first.atMs);
    assert.equal(second.viewers.now, 1);
  });

  test('what happens is told when it happens', async (context) => {
    let key = 'a';
    const events = (): ReturnType<BoardSource['events']> => [
      { id: key, atMs: 0, kind: 'step', tone: 'calm', route: 'r', sentence: key, facts: [] },
    ];
    const rig = await start(context, { eventsKey: () => key, events });
    const reader = await rig.open();
    await reader.next('events');
    key = 'b';
    while (!(await reader.next('events')).includes('"sentence":"b"'));
  });

  test('the one reader too many is told why and when to come again, and is counted', async (context) => {
    const rig = await start(context);
    for (let n = 0; n < CLIENTS_MAX; n++) assert.equal((await rig.open()).status, 200);
    const refused = await fetch(`${rig.admin.url}/api/v1/live`);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '10']);
    assert.match(((await refused.json()) as { detail: string }).detail, /16 readers look already/);
    assert.equal(rig.admin.viewers.refused, 1);
    assert.equal((await fetch(`${rig.admin.url}/livez`)).status, 200);
  });

  test('a route that is asked for is among those that are shown, and no more are read than have room', async (context) => {
    const asked: (readonly string[])[] = [];
    const rig = await start(context, {
      choose: (names, max) => {
        assert.equal(max, ROUTES_MAX);
        asked.push(names);
        return ['checkout'];
      },
    });
    const reader = await rig.open('?route=far%20away');
    await reader.next('board');
    assert.ok(asked.some((names) => names.includes('far away')));
    const tooLong = await rig.open(`?route=${'x'.repeat(300)}`);
    await tooLong.next('board');
    assert.ok(!asked.flat().some((name) => name.length > 253));
  });

  test('a reading that throws is reported and ends nothing', async (context) => {
    let failures = 0;
    let isBroken = false;
    const totals = (): never[] => {
      if (isBroken) throw new Error('no totals');
      return [];
    };
    const rig = await start(context, { totals }, () => failures++);
    const reader = await rig.open();
    await reader.next('board');
    isBroken = true;
    while (failures === 0) assert.equal((await fetch(`${rig.admin.url}/livez`)).status, 200);
    isBroken = false;
    await reader.next('board');
  });

  test('closing the server ends the streams; HEAD opens none', async (context) => {
    const rig = await start(context);
    assert.equal((await fetch(`${rig.admin.url}/api/v1/live`, { method: 'HEAD' })).status, 405);
    const reader = await rig.open();
    await reader.next('board');
    await rig.admin.close();
    await assert.rejects(async () => {
      for (;;) await reader.next('board');
    }, /the stream ended|terminated/);
  });

  test('the moment has heat by the objective, from what was counted', () => {
    const live = new Live(sampleBoardSource(), () => undefined);
    assert.equal(live.board('').routes[0]?.heat.length, 20);
    assert.ok(live.board('').routes[0]?.heat.every((rate) => rate === null));
    live.close();
  });
});
