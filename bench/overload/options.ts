/**
 * The command line of the overload bench.
 */

import { parseArgs } from 'node:util';
import { CONTENDERS, type ContenderName } from './contenders.ts';
import { type Choice, FACTORS } from './scenarios.ts';
import { TABLES } from './tables.ts';

export interface Options extends Choice {
  readonly rounds: number;
  readonly only: readonly ContenderName[];
  readonly json: string | null;
  readonly save: boolean;
  /** Simulates these instead, and writes the page. */
  readonly tables: readonly string[];
  /** Writes the page from what was simulated. */
  readonly page: boolean;
  /** As little as shows that the bench still works. */
  readonly isSmoke: boolean;
  readonly help: boolean;
}

export const USAGE = `Usage: npm run bench:overload -- [options]

  --rounds N        times that everybody is measured, interleaved (default 3: about 40 minutes)
  --seconds N       measured time of a steady load (default 10)
  --factors a,b     loads over what the servers can do (default ${FACTORS.join(',')})
  --only a,b        only these of ${CONTENDERS.join(', ')}
  --rate-max N      requests per second that generator and upstream can make here (default 8000); greater loads are left out
  --json FILE       write the results as JSON
  --save            write them to bench/results/overload/measured.json
  --tables a,b      simulate tables of docs/overload.md instead (${Object.keys(TABLES).join(',')}), keep them in
                    bench/results/overload and write them into the page
  --page            write the page from what is kept there
  --smoke           a few seconds, for tests: the figures mean nothing
`;

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < least) throw new Error(`--${name}: expected at least ${least}, got ${text}`);
  return value;
}

/** Options from the arguments after the script's name. @throws Error that names the option at fault */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '10' },
      factors: { type: 'string', default: FACTORS.join(',') },
      only: { type: 'string', default: CONTENDERS.join(',') },
      'rate-max': { type: 'string', default: '8000' },
      json: { type: 'string' },
      save: { type: 'boolean', default: false },
      tables: { type: 'string' },
      page: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const wanted = values.only.split(',');
  const unknown = wanted.filter((name) => !CONTENDERS.some((one) => one === name));
  if (unknown.length > 0)
    throw new Error(`--only: expected some of ${CONTENDERS.join(', ')}, got ${unknown.join(', ')}`);
  const tables = values.tables?.split(',') ?? [];
  for (const name of tables)
    if (!Object.hasOwn(TABLES, name))
      throw new Error(`--tables: expected some of ${Object.keys(TABLES).join(', ')}, got ${name}`);
  return {
    rounds: values.smoke ? 1 : Math.floor(number('rounds', values.rounds, 1)),
    seconds: Math.floor(number('seconds', values.seconds, 1)),
    factors: values.factors.split(',').map((text) => number('factors', text, 0.01)),
    only: CONTENDERS.filter((name) => wanted.includes(name)),
    rateMax: number('rate-max', values['rate-max'], 1),
    json: values.json ?? null,
    save: values.save,
    tables,
    page: values.page,
    isSmoke: values.smoke,
    help: values.help,
  };
}
