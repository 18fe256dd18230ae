/**
 * The command line of the edge bench.
 */

import { parseArgs } from 'node:util';
import { CONTENDERS, type ContenderName } from './contenders.ts';
import { chooseScenarios, SCENARIOS, type Scenario } from './scenarios.ts';

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly contenders: readonly ContenderName[];
  /** A checkout of an earlier Sluice, which takes part too; null = none. */
  readonly before: string | null;
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Load on a gateway before a scenario; 0 = none. */
  readonly warmUpSeconds: number;
  /** As little as shows that the bench still works; its figures mean nothing. */
  readonly isSmoke: boolean;
  /** File for the results as JSON, or null. */
  readonly json: string | null;
  readonly help: boolean;
}

const WARM_UP_SECONDS = 2;

export const USAGE = `Usage: npm run bench:edge -- [options]

  --scenario a,b    some of ${SCENARIOS.map(({ name }) => name).join(', ')} (default: all)
  --only a,b        only these of ${CONTENDERS.filter((name) => name !== 'sluice-before').join(', ')}
  --before FOLDER   a checkout of an earlier Sluice, which takes part as sluice-before
  --rounds N        times that every gateway is measured, interleaved (default 5)
  --seconds N       length of one measurement (default 4)
  --json FILE       write the results as JSON
  --smoke           one round of a second without warm-up, for tests: the figures mean nothing
`;

/** Reads a whole number of at least 1. @throws Error that names the option */
function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name}: expected a whole number of at least 1, got ${text}`);
  return value;
}

function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}

function contendersOf(only: string | undefined, before: string | undefined): ContenderName[] {
  const wanted = only === undefined ? CONTENDERS.filter((name) => name !== 'sluice-before') : words(only);
  const unknown = wanted.filter((name) => name === 'sluice-before' || !CONTENDERS.some((one) => one === name));
  if (unknown.length > 0) throw new Error(`--only: unknown ${unknown.join(', ')}`);
  return CONTENDERS.filter((name) => wanted.includes(name) || (name === 'sluice-before' && before !== undefined));
}

/** Options from the arguments after the script's name. @throws Error that names the option at fault */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      only: { type: 'string' },
      before: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { smoke, scenario } = values;
  return {
    scenarios: scenario === undefined ? SCENARIOS : chooseScenarios(words(scenario)),
    contenders: contendersOf(values.only, values.before),
    before: values.before ?? null,
    rounds: wholeNumber('rounds', values.rounds ?? (smoke ? '1' : '5')),
    seconds: wholeNumber('seconds', values.seconds ?? (smoke ? '1' : '4')),
    warmUpSeconds: smoke ? 0 : WARM_UP_SECONDS,
    isSmoke: smoke,
    json: values.json ?? null,
    help: values.help,
  };
}
