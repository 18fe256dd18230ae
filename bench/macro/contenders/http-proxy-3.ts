/**
 * The http-proxy-3 library: what a Node gateway costs that is built from the usual parts.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './contender.ts';

const packageFile = join(import.meta.dirname, '../../../node_modules/http-proxy-3/package.json');

export const httpProxy3: Contender = {
  name: 'http-proxy-3',
  needs: [],
  prepare: ({ port, upstreamPort }) => [
    process.execPath,
    join(import.meta.dirname, 'http-proxy-3-server.ts'),
    String(port),
    String(upstreamPort),
  ],
  readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
  version: () => (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version,
};
