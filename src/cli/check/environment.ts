/**
 * Checks of the machine that a configuration is to run on: the runtime, addresses, folders, and who is to be reached.
 */

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Config, EndpointConfig, ListenAddress } from '../../model/config.ts';
import { type Check, checksOf } from './checks.ts';
import { isEngine } from './engines.ts';

/** What is looked at; a gateway that runs holds the addresses of its own configuration. */
export interface Surroundings {
  readonly nodeVersion: string;
  /** Versions of Node.js that run a gateway, as package.json has them. */
  readonly engines: string;
  readonly config: Config | null;
  /** A gateway answers at the admin address. */
  readonly isRunning: boolean;
}

const CONNECT_MS = 2000;
/** Endpoints that are tried: each is a connection. */
const ENDPOINTS_MAX = 256;
/** At a time. */
const CONNECTIONS_MAX = 32;
const SHOWN = 5;
const { pass, warn, fail } = checksOf('environment');

/** Every check of the environment. */
export async function checkEnvironment({ nodeVersion, engines, config, isRunning }: Surroundings): Promise<Check[]> {
  const runtime = nodeCheck(nodeVersion, engines);
  if (config === null) return [runtime];
  const addresses = [config.listen, ...(config.listeners ?? []), config.admin];
  return [
    runtime,
    ...(isRunning ? [] : await Promise.all(addresses.map(addressCheck))),
    ...(await stateChecks(config.state.directory)),
    ...(await endpointChecks(config)),
  ];
}

function nodeCheck(version: string, engines: string): Check {
  if (isEngine(engines, version)) return pass(`Node.js ${version}`);
  return fail(`Node.js ${version} is none that runs a gateway`, `run it by Node.js ${engines}: npm ci brings one`);
}

/** Whether the address can be had: it is taken, and given back at once. */
async function addressCheck({ host, port }: ListenAddress): Promise<Check> {
  const where = `${host}:${port}`;
  if (port === 0) return pass(`${host} with a free port`);
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = createServer();
  server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('')));
  const code = await promise;
  if (code === '') return pass(`${where} is free`);
  if (code === 'EADDRINUSE')
    return fail(`${where} is in use`, 'end the process that listens there, or choose another port');
  if (code === 'EACCES')
    return fail(`${where} needs rights that you have not`, 'choose a port above 1023, or CAP_NET_BIND_SERVICE');
  return fail(`${where} cannot be listened on: ${code}`, 'choose an address of this machine');
}

async function stateChecks(directory: string | null): Promise<Check[]> {
  if (directory === null) {
    return [warn('state is in memory only: budgets and decisions end with the process', 'give state.directory')];
  }
  if (await isWritable(directory)) return [pass(`state is kept in ${directory}`)];
  if (await isWritable(dirname(directory)))
    return [pass(`state will be kept in ${directory}, which is made at the start`)];
  return [fail(`${directory} cannot be written to`, 'make it, and give it to the user that runs the gateway')];
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether endpoints and, of a fleet, its Redis take connections. Endpoints that are looked up are not asked for. */
async function endpointChecks({ services, fleet }: Config): Promise<Check[]> {
  const all = services.flatMap(({ versions }) => versions.flatMap(({ endpoints }) => endpoints)).map(addressOf);
  const distinct = [...new Set(all)];
  const tried = distinct.slice(0, ENDPOINTS_MAX);
  const refused = await refusing(tried);
  const more = distinct.length > tried.length ? `, ${distinct.length - tried.length} more were not tried` : '';
  const checks = tried.length === 0 ? [] : [endpointCheck(tried.length, refused, more)];
  if (fleet === null) return checks;
  const redis = `${fleet.redis.host}:${fleet.redis.port}`;
  const isAway = (await refusing([redis])).length > 0;
  return [
    ...checks,
    isAway
      ? warn(`Redis of the fleet at ${redis} takes no connection`, ALONE_HINT)
      : pass(`Redis of the fleet at ${redis} takes connections`),
  ];
}

const ALONE_HINT = 'without it each gateway judges its own traffic only';

function endpointCheck(count: number, refused: readonly string[], more: string): Check {
  if (refused.length === 0) return pass(`${count} endpoints take connections${more}`);
  const names = `${refused.slice(0, SHOWN).join(', ')}${refused.length > SHOWN ? ', …' : ''}`;
  const sentence = `${refused.length} of ${count} endpoints take no connection: ${names}${more}`;
  const hint = 'start them, or mend their addresses; a version without any gives its weight to the others';
  return refused.length === count ? fail(sentence, hint) : warn(sentence, hint);
}

function addressOf({ host, port }: EndpointConfig): string {
  return `${host}:${port}`;
}

/** Those of `addresses` that take no connection, in their order. */
async function refusing(addresses: readonly string[]): Promise<string[]> {
  const refused = new Set<string>();
  const left = [...addresses];
  const work = async (): Promise<void> => {
    for (let address = left.pop(); address !== undefined; address = left.pop()) {
      if (!(await takesConnection(address))) refused.add(address);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS_MAX, left.length) }, work));
  return addresses.filter((address) => refused.has(address));
}

function takesConnection(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(':');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
  const end = (taken: boolean) => (): void => {
    socket.destroy();
    resolve(taken);
  };
  socket.setTimeout(CONNECT_MS, end(false));
  socket.once('connect', end(true));
  socket.once('error', end(false));
  return promise;
}
