/**
 * The thread that parses: documents in, a configuration with its content hash or problems out.
 */

import { parentPort, workerData } from 'node:worker_threads';
import type { FromParser, ParseSetup, ToParser } from '../model/threads/parse.ts';
import { hashConfig } from '../snapshot/hash.ts';
import type { SourceDocument } from '../sources/document/pieces.ts';
import { createPartReader } from '../sources/document/reader.ts';
import { parseDocuments } from '../sources/parse.ts';

const port = parentPort;
if (port === null) throw new Error('compose/parse-thread.ts runs as a worker thread only');

const reader = createPartReader((workerData as ParseSetup).environment);
port.on('message', ({ id, documents }: ToParser) => {
  const parsed = parseDocuments(documents as readonly SourceDocument[], reader.read);
  reader.endParse();
  const answer: FromParser = { id, parsed: parsed.ok ? { ...parsed, hash: hashConfig(parsed.config) } : parsed };
  port.postMessage(answer);
});
