/**
 * `sluice slo`: objectives of a running gateway; SLO files: checked, tried on recorded traffic, in the formats of other tools.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { SluiceError } from '../../model/problem.ts';
import { DEFAULT_ADMIN } from '../admin/ask/client.ts';
import { didYouMean } from '../args.ts';
import type { CliDeps, Command } from '../deps.ts';
import { getObjective, listObjectives } from './list.ts';
import { simulate } from './traffic/simulate.ts';
import { exportObjectives, importObjectives } from './transfer.ts';
import { validate } from './validate.ts';

const USAGE = `sluice slo ls [--admin URL] [-o json]
sluice slo get NAME [--admin URL] [-o json]
sluice slo validate FILE [--rps N | --admin URL] [-o text|json]
sluice slo simulate FILE --traffic FILE [-o text|json]
sluice slo export FILE --format prometheus|openslo|sloth|pyrra
sluice slo import FILE --format openslo|openapi

  ls                   the objectives of a running gateway: target, error budget, burn, alerts, what rollouts may do
  get                  one of them, as in route/shop/latency, or all of a route or service: windows and alerts, what its budget
                       allows at this traffic, and requests that missed it
  validate             say every problem of FILE, a configuration or OpenSLO v1: fields, references, mathematics; with
                       traffic, what the budgets allow and when alerts fire
  simulate             say what the objectives of FILE would have said of recorded traffic: budget left over time, alerts and
                       when, whether a target is too tight or too lax for it, and the best that was met
  export               write the objectives of FILE, a configuration or OpenSLO v1, for another tool
  import               write the objectives of FILE as fields of a configuration: of OpenSLO those that name a route or service
                       of the gateway, of OpenAPI 3 its x-slo-* extensions

  --rps N              events per second of every objective
  --admin URL          admin server of ls and get, default $SLUICE_ADMIN, else ${DEFAULT_ADMIN};
                       of validate: the traffic that this gateway counted, instead
  -f, --traffic FILE   CSV with the columns time, status and route or service; or an access log of the gateway
  --format FORMAT      prometheus: recording rules with Sloth's series names, and alerts
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 ok, 1 problems, no such objective, or objectives that this traffic does not allow or has missed, 2 wrong usage,
3 cannot reach the admin server.
`;

const ACTIONS: Readonly<Record<string, (argv: readonly string[], deps: CliDeps) => Promise<number>>> = {
  ls: listObjectives,
  get: getObjective,
  validate,
  simulate,
  export: exportObjectives,
  import: importObjectives,
};

/** The command `slo`. */
export const sloCommand: Command = {
  usage: USAGE,
  run: (argv, deps) => {
    const [name = '', ...rest] = argv;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action !== undefined) return action(rest, deps);
    const known = Object.keys(ACTIONS);
    const got = name === '' ? '' : `, got ${name}${didYouMean(similarTo(name, known))}`;
    throw new SluiceError('SLU_USAGE', `slo takes one of ${known.join(', ')}${got}`);
  },
};
