/**
 * The files of the page, read once and served as they lie: modules, the style, the chart library.
 *
 * A closed list: a path is looked up, never joined to a folder. The chart library is the npm package `uplot`, under a path of
 * its own; the one module that imports it names that path.
 */

import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Reply } from '../reply.ts';

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

/** A square of the page's own color, so that a browser need not ask in vain. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#0b7a75"/>' +
  '<path d="M3 6h10M3 10h6" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>';

/** Replies by path. */
export type Assets = ReadonlyMap<string, Reply>;

/** Reads them all. */
export async function readAssets(): Promise<Assets> {
  const charts = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const files = [
    ...(await modulesIn('browser')),
    ...(await modulesIn('view')),
    ['/page/style.css', STYLE, join(import.meta.dirname, 'style.css')],
    ['/page/uplot.js', SCRIPT, join(charts, 'dist/uPlot.esm.js')],
    ['/page/uplot.css', STYLE, join(charts, 'dist/uPlot.min.css')],
  ] as const;
  const replies = files.map(async ([path, contentType, file]): Promise<readonly [string, Reply]> => {
    return [path, { status: 200, contentType, body: await readFile(file, 'utf8') }];
  });
  return new Map([
    ...(await Promise.all(replies)),
    ['/favicon.ico', { status: 200, contentType: 'image/svg+xml', body: ICON }],
  ]);
}

/** Path, type and file of every module in a folder beside this one. */
async function modulesIn(name: string): Promise<(readonly [string, string, string])[]> {
  const folder = join(import.meta.dirname, name);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.js'));
  return files.map((file) => [`/page/${name}/${file}`, SCRIPT, join(folder, file)]);
}
