/**
 * A gateway that is looked at and has one decision to show; tests replace what they are about.
 */

import assert from 'node:assert/strict';
import { readAssets } from '#src/admin/page/assets.ts';
import { Live } from '#src/admin/page/live.ts';
import { createPages } from '#src/admin/pages.ts';
import type { Reply } from '#src/admin/reply.ts';
import type { AdminView } from '#src/admin/view.ts';
import { sampleBoardSource } from './board.ts';
import { sampleDecision, sampleListing, sampleStatus } from './status.ts';

const assets = await readAssets();

/** Pages over a view, for paths whose answer is no stream. */
export function pagesOf(view: AdminView): (target: string, accept?: string) => Promise<Reply> {
  const live = new Live(view.board, (where, error) => assert.fail(`${where}: ${String(error)}`));
  // It reads when it is asked, and not by itself.
  live.close();
  const pages = createPages(view, live, assets);
  return async (target, accept) => {
    const answer = await pages(target, { accept: accept ?? '', acceptEncoding: '' });
    return 'take' in answer ? assert.fail(`${target} is a stream`) : answer;
  };
}

/** `changes` replace single parts. */
export function sampleView(changes: Partial<AdminView> = {}): AdminView {
  return {
    status: () => sampleStatus(),
    routes: () => [sampleListing()],
    decisions: () => [sampleDecision()],
    log: () => '',
    live: () => true,
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    scrape: () =>
      Promise.resolve({
        take: (response) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end('up 1\n'),
      }),
    weights: () => Promise.resolve(null),
    revisions: () => [],
    diff: () => ({ kind: 'done', diff: { before: '1 ab', after: '2 cd', changes: [], more: 0 } }),
    explainSetting: () => Promise.resolve({ kind: 'refused', detail: 'nothing is explained here' }),
    explainRoute: () => ({ kind: 'refused', detail: 'nothing is explained here' }),
    board: sampleBoardSource(),
    forecast: () => ({ kind: 'done', forecasts: [] }),
    ...changes,
  };
}
