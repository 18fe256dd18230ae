/**
 * The command line of the macro bench.
 */

import { parseArgs } from 'node:util';

/** Gateways that can be compared, in the order of the table. */
export const CONTENDERS = ['nginx', 'haproxy', 'sluice', 'http-proxy-3'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export interface Options {
  /** Times that every contender is measured; medians are over these. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Connections that the load generator keeps open. */
  readonly connections: number;
  /** Request rate of the paced measurement, per second; 0 leaves it out. */
  readonly rate: number;
  readonly only: readonly ContenderName[];
  /** File for the results as JSON, or null. */
  readonly json: string | null;
  /** Whether to write `bench/results/<date>-<commit>.json`. */
  readonly save: boolean;
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]

  --rounds N        times that every gateway is measured, interleaved (default 5)
  --seconds N       length of one measurement (default 5)
  --connections N   keep-alive connections of the load generator (default 64)
  --rate N          requests per second of the paced measurement, 0 = leave it out (default 4000)
  --only a,b        some of ${CONTENDERS.join(', ')}
  --json FILE       write the results as JSON
  --save            write them to bench/results/<date>-<commit>.json
`;

/** Reads a whole number of at least `least`. @throws Error that names the option */
function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`--${name}: expected a whole number of at least ${least}, got ${text}`);
  }
  return value;
}

function contenderNames(text: string): ContenderName[] {
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !CONTENDERS.some((one) => one === name));
  if (unknown.length > 0) {
    throw new Error(`--only: expected some of ${CONTENDERS.join(', ')}, got ${unknown.join(', ')}`);
  }
  return CONTENDERS.filter((name) => wanted.includes(name));
}

/** Options from the arguments after the script's name. @throws Error that names the option at fault */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '64' },
      rate: { type: 'string', default: '4000' },
      only: { type: 'string', default: CONTENDERS.join(',') },
      json: { type: 'string' },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    rounds: wholeNumber('rounds', values.rounds, 1),
    seconds: wholeNumber('seconds', values.seconds, 1),
    connections: wholeNumber('connections', values.connections, 1),
    rate: wholeNumber('rate', values.rate, 0),
    only: contenderNames(values.only),
    json: values.json ?? null,
    save: values.save,
    help: values.help,
  };
}
