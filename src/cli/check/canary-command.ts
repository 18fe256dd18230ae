/**
 * `sluice check canary`: whether a version may get users, before any of them does: an exit code and the reasons.
 */

import { SluiceError } from '../../model/problem.ts';
import { adminOf, asking } from '../admin/ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus } from '../admin/ask/client.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { patiently } from './ask.ts';
import { type CanaryWish, checkCanary } from './canary.ts';
import { reportText } from './report.ts';

const PROBES = 5;
const PROBES_MAX = 1000;
const TIMEOUT_MS = 5000;
const RETRIES = 2;
const RETRIES_MAX = 10;

const USAGE = `sluice check canary ROUTE [--version NAME] [--service NAME] [--color VALUE] [--color-header NAME] [--path PATH]
             [--host NAME] [--from ADDRESS] [--gateway URL] [--health PATH] [--probes N] [--expect STATUS]... [--slowest MS]
             [--max-errors RATIO] [--timeout MS] [--retries N] [--admin URL] [-o text|json]

Looks at a version before users get it: the gateway is ready and took the configuration, the version is there, its endpoints
are up, its color pins it, requests with that color come back as expected and were counted as good, and no objective forbids a
release. Every stage is told; one that fails is the exit code.

  --version NAME       default the canary of the route's rollout
  --service NAME       where several services of the route have such a version
  --color VALUE        what pins it; default the version's name
  --color-header NAME  where that is said; default color.header of the configuration in force
  --path PATH          path and query of the probes; default /
  --host NAME          their Host; default that of the gateway
  --from ADDRESS       IP address that the gateway sees them come from; default 127.0.0.1
  --gateway URL        where they go; default where the gateway listens
  --health PATH        ask every endpoint at this path too, without the gateway; 2xx, and no bad status in a JSON answer
  --probes N           how many; default ${PROBES}, at most ${PROBES_MAX}
  --expect STATUS      a status, or a class as in 3xx; may be given several times; default 2xx
  --slowest MS         longest time of a probe; default any
  --max-errors RATIO   errors of the version since the gateway's start, as in 0.01; default any
  --timeout MS         for each answer; default ${TIMEOUT_MS}
  --retries N          further attempts where no answer came; default ${RETRIES}, at most ${RETRIES_MAX}
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 every stage passed, 1 one did not, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  version: { type: 'string' },
  service: { type: 'string' },
  color: { type: 'string' },
  'color-header': { type: 'string' },
  path: { type: 'string' },
  host: { type: 'string' },
  from: { type: 'string' },
  gateway: { type: 'string' },
  health: { type: 'string' },
  probes: { type: 'string' },
  expect: { type: 'string', multiple: true },
  slowest: { type: 'string' },
  'max-errors': { type: 'string' },
  timeout: { type: 'string' },
  retries: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `check canary`. */
export const canaryCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const [route] = positionals;
  if (route === undefined) throw new SluiceError('SLU_USAGE', 'check canary takes the name of a route');
  const format = readChoice('--output', values.output, ['text', 'json']);
  const wish = readWish(values, route, adminOf(values.admin, deps));
  const asked = await asking(wish.adminUrl, deps, (adminUrl) => patiently(wish.retries, () => fetchStatus(adminUrl)));
  if ('exit' in asked) return asked.exit;
  const report = await checkCanary(asked.answer.answer, wish);
  deps.stdout.write(format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
  return report.ok ? EXIT.ok : EXIT.failed;
}

type Values = Readonly<Record<Exclude<keyof typeof OPTIONS, 'expect'>, string | undefined>> & {
  readonly expect?: readonly string[] | undefined;
};

/** @throws SluiceError SLU_USAGE */
function readWish(values: Partial<Values>, route: string, adminUrl: string): CanaryWish {
  const { slowest, 'max-errors': errors } = values;
  return {
    adminUrl: readOrigin('--admin', adminUrl),
    gatewayUrl: values.gateway === undefined ? null : readOrigin('--gateway', values.gateway),
    route,
    service: values.service ?? null,
    version: values.version ?? null,
    color: values.color ?? null,
    colorHeader: values['color-header'] ?? null,
    path: readPath('--path', values.path ?? '/'),
    host: values.host ?? null,
    from: values.from ?? '127.0.0.1',
    healthPath: values.health === undefined ? null : readPath('--health', values.health),
    probes: readWhole('--probes', values.probes, { fallback: PROBES, least: 1, most: PROBES_MAX }),
    isExpected: readExpected(values.expect ?? ['2xx']),
    slowestMs: slowest === undefined ? null : readWhole('--slowest', slowest, { fallback: 0, least: 1, most: 600_000 }),
    errorRatioMax: errors === undefined ? null : readRatio(errors),
    timeoutMs: readWhole('--timeout', values.timeout, { fallback: TIMEOUT_MS, least: 1, most: 600_000 }),
    retries: readWhole('--retries', values.retries, { fallback: RETRIES, least: 0, most: RETRIES_MAX }),
  };
}

function readWhole(
  option: string,
  text: string | undefined,
  { fallback, least, most }: { readonly fallback: number; readonly least: number; readonly most: number },
): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new SluiceError('SLU_USAGE', `${option} takes a whole number from ${least} to ${most}, got ${text}`);
}

function readRatio(text: string): number {
  const ratio = text.trim() === '' ? Number.NaN : Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new SluiceError('SLU_USAGE', `--max-errors takes a number from 0 to 1, got ${text}`);
}

/** A path that cannot name another host. */
function readPath(option: string, text: string): string {
  if (/^\/(?![/\\])[\x21-\x7e]*$/.test(text)) return text;
  throw new SluiceError('SLU_USAGE', `${option} takes a path such as /checkout?x=1, got ${text}`);
}

function readOrigin(option: string, text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.origin;
  throw new SluiceError('SLU_USAGE', `${option} takes a URL such as http://127.0.0.1:8080, got ${text}`);
}

function readExpected(texts: readonly string[]): (status: number) => boolean {
  const wanted = texts.map((text) => {
    const match = /^(?:([1-5])xx|([1-5]\d\d))$/.exec(text);
    if (match === null) throw new SluiceError('SLU_USAGE', `--expect takes a status such as 204 or 3xx, got ${text}`);
    return { class: match[1] === undefined ? null : Number(match[1]), status: Number(match[2]) };
  });
  return (status) =>
    wanted.some((one) => (one.class === null ? one.status === status : one.class === Math.floor(status / 100)));
}
