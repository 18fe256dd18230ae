/**
 * `sluice route`: the routes of a gateway, as a list, one by one, or for a request.
 */

import { similarTo } from '../../../lib/text/similar.ts';
import { SluiceError } from '../../../model/problem.ts';
import { didYouMean } from '../../args.ts';
import type { CliDeps, Command } from '../../deps.ts';
import { DEFAULT_ADMIN } from '../ask/client.ts';
import { explainCommand } from './explain.ts';
import { getCommand, listCommand } from './list.ts';

const USAGE = `sluice route ls [--admin URL] [-o json]
sluice route get ROUTE [--admin URL] [-o json]
sluice route explain METHOD URL [--header 'NAME: VALUE']… [--from ADDRESS] [--config FILE] [--admin URL]

  ls                   the routes of a running gateway in their order: weights, traffic, rollout, error budget, what they match
  get                  one of them: every match, what it does besides, versions, rollout, objectives
  explain              which route takes a request, by which match, to which version and why, and why other routes do not.
                       Nothing is sent: the gateway's own parser, router and splitter are asked. Tokens and signed colors are
                       not verified, rate limits are not counted
  METHOD URL           as in GET http://shop.test/cart?x=1
  -H, --header TEXT    a header field; as often as needed
  --from ADDRESS       IP address of the client; default 127.0.0.1
  --config FILE        explain by this document, at its weights; default by what is in force in a running gateway
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 shown (explain: forwarded or answered), 1 no such route (explain: refused), 2 wrong usage, 3 cannot reach the
admin server.
`;

const ACTIONS: Readonly<Record<string, (argv: readonly string[], deps: CliDeps) => Promise<number>>> = {
  ls: listCommand,
  get: getCommand,
  explain: explainCommand,
};

/** The command `route`. */
export const routeCommand: Command = {
  usage: USAGE,
  run: (argv, deps) => {
    const [name = '', ...rest] = argv;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action !== undefined) return action(rest, deps);
    const known = Object.keys(ACTIONS);
    const got = name === '' ? '' : `, got ${name}${didYouMean(similarTo(name, known))}`;
    throw new SluiceError('SLU_USAGE', `route takes one of ${known.join(', ')}${got}`);
  },
};
