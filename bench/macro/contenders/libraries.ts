/**
 * The contenders that are Node libraries: each a server script of this folder, `node SCRIPT PORT UPSTREAM_PORT`.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, ContenderName } from './contender.ts';

const modules = join(import.meta.dirname, '../../../node_modules');

/** A contender named after its script; its version is that of the package that does the proxying. */
function library(name: ContenderName, packageName: string): Contender {
  return {
    name,
    needs: [],
    prepare: ({ port, upstreamPort }) => [
      process.execPath,
      join(import.meta.dirname, `${name}-server.ts`),
      String(port),
      String(upstreamPort),
    ],
    readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
    version: () => {
      const text = readFileSync(join(modules, packageName, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    },
  };
}

/** node:http in front, undici behind: the leanest gateway from Node's own parts. */
export const nodeUndici = library('node-undici', 'undici');
/** What a Node gateway costs that is built from the usual parts. */
export const httpProxy3 = library('http-proxy-3', 'http-proxy-3');
/** Fastify with @fastify/http-proxy. */
export const fastify = library('fastify', '@fastify/http-proxy');
