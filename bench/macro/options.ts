/**
 * The command line of the macro bench.
 */

import { parseArgs } from 'node:util';
import { CONTENDERS, type ContenderName } from './contenders/contender.ts';
import { chooseScenarios, SCENARIOS, type Scenario } from './scenarios/scenario.ts';

export interface Options {
  /** What is measured, each with the gateways that take part. */
  readonly scenarios: readonly Scenario[];
  /** Times that every gateway is measured; medians are over these. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Load on a gateway before it is measured: time for a JIT compiler to settle. */
  readonly warmUpSeconds: number;
  /** Open-loop rate in requests per second; 0 = half of saturation. */
  readonly rate: number;
  /** As little as shows that the bench still works; its figures mean nothing. */
  readonly isSmoke: boolean;
  /** File for the results as JSON, or null. */
  readonly json: string | null;
  /** Whether to write `bench/results/<date>-<commit>.json`. */
  readonly save: boolean;
  readonly help: boolean;
}

const SMOKE_SCENARIOS = 'small-get,latency,idle';
const SMOKE_CONTENDERS = 'sluice';
const SMOKE_RATE = 500;

export const USAGE = `Usage: npm run bench -- [options]

  --scenario a,b    headline (default: what the criteria need, about 10 minutes), all (about an hour), or some of
                    ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rounds N        times that every gateway is measured, interleaved (default 5)
  --seconds N       length of one measurement (default 4)
  --only a,b        only these of ${CONTENDERS.join(', ')}
  --rate N          open-loop requests per second of the latency scenario (default 0: half of saturation)
  --json FILE       write the results as JSON
  --save            write them to bench/results/<date>-<commit>.json
  --smoke           a few seconds of everything that is particular, for tests: the figures mean nothing
`;

/** Reads a whole number of at least `least`. @throws Error that names the option */
function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`--${name}: expected a whole number of at least ${least}, got ${text}`);
  }
  return value;
}

function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}

function contenderNames(text: string): ContenderName[] {
  const wanted = words(text);
  const unknown = wanted.filter((name) => !CONTENDERS.some((one) => one === name));
  if (unknown.length > 0) {
    throw new Error(`--only: expected some of ${CONTENDERS.join(', ')}, got ${unknown.join(', ')}`);
  }
  return CONTENDERS.filter((name) => wanted.includes(name));
}

/** The scenarios with those of `only` that can take part in each; one without any is left out. */
function scenariosOf(names: string, only: readonly ContenderName[] | null): Scenario[] {
  // Named contenders are taken from everybody who could take part, not from those of the headline.
  const chosen = chooseScenarios(words(names));
  if (only === null) return chosen;
  return chosen
    .map(({ name }) => SCENARIOS.find((one) => one.name === name))
    .filter((scenario) => scenario !== undefined)
    .map((scenario) => ({ ...scenario, contenders: scenario.contenders.filter((name) => only.includes(name)) }))
    .filter(({ contenders }) => contenders.length > 0);
}

/** Options from the arguments after the script's name. @throws Error that names the option at fault */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      rate: { type: 'string' },
      json: { type: 'string' },
      save: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const isSmoke = values.smoke;
  const only = values.only ?? (isSmoke ? SMOKE_CONTENDERS : undefined);
  return {
    scenarios: scenariosOf(
      values.scenario ?? (isSmoke ? SMOKE_SCENARIOS : 'headline'),
      only === undefined ? null : contenderNames(only),
    ),
    rounds: wholeNumber('rounds', values.rounds ?? (isSmoke ? '1' : '5'), 1),
    seconds: wholeNumber('seconds', values.seconds ?? (isSmoke ? '1' : '4'), 1),
    warmUpSeconds: isSmoke ? 0 : 3,
    rate: wholeNumber('rate', values.rate ?? (isSmoke ? String(SMOKE_RATE) : '0'), 0),
    isSmoke,
    json: values.json ?? null,
    save: values.save,
    help: values.help,
  };
}
