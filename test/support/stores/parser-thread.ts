/**
 * A thread that answers as the tests of `sources/parser.ts` ask it to, by the text of the first document.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { applyEdits } from '#src/model/threads/parsing/edits.ts';
import type { ToParser } from '#src/model/threads/parsing/parse.ts';
import type { SourceDocument } from '#src/sources/document/pieces.ts';

let jobs = 0;
let held: readonly unknown[] = [];

parentPort?.on('message', (job: ToParser) => void answer(job));

async function answer({ id, documents }: ToParser): Promise<void> {
  jobs += 1;
  held = applyEdits(held, documents);
  const text = (held as readonly SourceDocument[])[0]?.text.trimEnd() ?? '';
  if (text.startsWith('die')) throw new Error('asked to die');
  if (text === 'hang') for (;;);
  if (text === 'slow') await sleep(50);
  parentPort?.postMessage({ id, parsed: { text, jobs }, lists: null });
}
