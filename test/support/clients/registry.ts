/**
 * A registry of npm on loopback that has what the lockfile has: the packages that lie in `node_modules`, packed when asked for.
 *
 * So that a package is installed as its users do it, without a network and whatever npm's cache holds.
 */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { listenLoopback } from '../plane.ts';

const TAR_BYTES_MAX = 64 * 1024 * 1024;

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly dev?: boolean; readonly link?: boolean }>
  >;
}

/** Folders of the packages that are there at run time, from the repository's root, with their names. */
export function runtimePackages(root: string): ReadonlyMap<string, string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  const folders = Object.entries(packages).filter(([folder, { dev, link }]) => folder !== '' && !dev && !link);
  return new Map(
    folders
      .filter(([folder]) => folder.startsWith('node_modules/'))
      .map(([folder]) => [folder.slice('node_modules/'.length), folder]),
  );
}

/** Starts it. @returns its URL */
export async function startRegistry(t: TestContext, root: string): Promise<string> {
  const packages = runtimePackages(root);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-registry-'));
  t.after(() => rmSync(folder, { recursive: true }));
  let url = '';
  const server = createServer((request, response) => {
    const [, name = '', tarball] = /^\/([^?]*?)(\.tar)?$/.exec(decodeURIComponent(request.url ?? '')) ?? [];
    const path = packages.get(name);
    if (path === undefined) response.writeHead(404).end('{}');
    else if (tarball === undefined) tell(response, join(root, path), `${url}/${encodeURIComponent(name)}.tar`);
    else pack(join(root, path), join(folder, encodeURIComponent(name)), response);
  });
  url = `http://127.0.0.1:${await listenLoopback(server)}`;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return url;
}

/** The one version that there is, as registries describe it. */
function tell(response: ServerResponse, folder: string, tarball: string): void {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string };
  const { name, version } = manifest;
  const versions = { [version]: { ...manifest, dist: { tarball } } };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
}

/** Without what other packages lie below it. */
function pack(folder: string, place: string, response: ServerResponse): void {
  mkdirSync(place, { recursive: true });
  symlinkSync(folder, join(place, 'package'));
  const args = ['-chf', '-', '-C', place, '--exclude=package/node_modules', 'package'];
  promisify(execFile)('tar', args, { encoding: 'buffer', maxBuffer: TAR_BYTES_MAX }).then(
    ({ stdout }) => response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(stdout),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}
