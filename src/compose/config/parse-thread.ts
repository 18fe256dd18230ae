/**
 * The thread that parses: documents in, a configuration with its content hash or problems out.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { startResting } from '../../lib/threads/rest.ts';
import type { Config } from '../../model/config.ts';
import { applyEdits, editsOf } from '../../model/threads/parsing/edits.ts';
import type { FromParser, ParseSetup, ToParser } from '../../model/threads/parsing/parse.ts';
import { hashConfig } from '../../snapshot/hash.ts';
import type { SourceDocument } from '../../sources/document/pieces.ts';
import { createPartReader } from '../../sources/document/reader/reader.ts';
import { Renewal } from '../../sources/follow/renewal.ts';
import type { Parsed } from '../../sources/parse.ts';

const port = parentPort;
if (port === null) throw new Error('compose/config/parse-thread.ts runs as a worker thread only');

const renewal = new Renewal(createPartReader((workerData as ParseSetup).environment));
let documents: readonly SourceDocument[] = [];
/** What the main thread has. */
let said: Pick<Config, 'services' | 'routes'> = { services: [], routes: [] };

port.on('message', ({ id, documents: edits }: ToParser) => {
  documents = applyEdits<unknown>(documents, edits) as readonly SourceDocument[];
  port.postMessage(answerOf(id, renewal.parse(documents)));
  // The first is mostly that of the start.
  startResting();
});

function answerOf(id: number, parsed: Parsed): FromParser {
  if (!parsed.ok) return { id, parsed, lists: null };
  const { services, routes } = parsed.config;
  const lists = { services: editsOf(said.services, services), routes: editsOf(said.routes, routes) };
  said = { services, routes };
  const config: Config = { ...parsed.config, services: [], routes: [] };
  return { id, parsed: { ...parsed, config, hash: hashConfig(parsed.config) }, lists };
}
