/**
 * `sluice config`: checks a configuration document before a gateway has to, and prints its JSON Schema.
 */

import { visible } from '../../lib/text/visible.ts';
import type { Config } from '../../model/config.ts';
import { formatProblem, type ParseResult, type Problem, SluiceError } from '../../model/problem.ts';
import type { ForecastAnswer, ForecastQuestion } from '../../model/rollout.ts';
import type { RouteAnswer, RouteQuestion, SettingAnswer } from '../../model/threads/explain.ts';
import type { SimulationAnswer, SimulationQuestion } from '../../model/threads/load/simulation.ts';
import { REVISION_ACTIONS } from '../admin/revisions.ts';
import { didYouMean, readArgs, readChoice } from '../args.ts';
import { EXIT } from '../deps.ts';
import { type SigningTools, signCommand, verifySignature } from './signatures.ts';

/** Where the command writes; each call is a piece of text as it is, line ends included. */
export interface ConfigIo {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** What other sections do for the command. */
export interface ConfigTools {
  /** @throws SluiceError SLU_CONFIG_UNREADABLE */
  readText(file: string): Promise<string>;
  parse(text: string, file: string): ParseResult;
  /** Checks a document that leaves its routes to sources, without asking these; null when it names none. */
  sources(
    text: string,
    file: string,
  ): { readonly names: readonly string[]; readonly problems: readonly Problem[] } | null;
  /** Content hash, hex. */
  hash(config: Config): string;
  /** A document in the one form, or why it has none. */
  format(text: string): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly because: string };
  /** JSON Schema of the document. */
  schema(): unknown;
  /** What the document's rollouts can find; nothing is measured. */
  forecast(config: Config, question: ForecastQuestion): ForecastAnswer | Promise<ForecastAnswer>;
  /** What becomes of a rollout of the document, on virtual time. */
  simulate(config: Config, question: SimulationQuestion): Promise<SimulationAnswer>;
  /** A setting of a document by itself, and where it comes from. */
  explainSetting(text: string, file: string, path: string): SettingAnswer;
  /** Which route of a document takes a request. */
  explainRoute(config: Config, file: string, question: RouteQuestion): RouteAnswer | Promise<RouteAnswer>;
  /** Signatures of documents. */
  readonly signing: SigningTools;
}

export const CONFIG_USAGE = `sluice config validate FILE [-o text|json]
sluice config fmt FILE [--check]
sluice config schema
sluice config import FILE [--from gateway-api]
sluice config sign FILE [--config-key-file FILE] [--name NAME] [--signature FILE] [--revision N] [--key ID]
sluice config verify FILE [--config-key-file FILE] [--name NAME] [--signature FILE]
sluice config explain PATH [--config FILE] [--admin URL]
sluice config history [--admin URL]
sluice config diff [BEFORE] [AFTER] [--admin URL]
sluice config rollback [REVISION] --reason TEXT [--admin URL]
sluice config unpin [--reason TEXT] [--admin URL]

  validate             say every problem of FILE with its place; exit 1 if there is any. Where there are keys, FILE must
                       be signed
  fmt                  print FILE in the one form: indented by two spaces, comments and order as they are; --check prints
                       nothing and exits with 1 if FILE has another
  schema               print the JSON Schema (draft 2020-12) for editors
  import               print the HTTPRoutes of FILE as routes and services of a configuration, and say what has no form here
  sign                 write the signature of FILE beside it, as FILE.sig
  verify               say whether that signature is good; exit 1 if not
  explain              a setting, where it comes from, and what goes before it. PATH as in routes[2].slo, routes.shop.slo,
                       timeouts.request, or the name of a route
  history              configurations that a running gateway accepted, newest first
  diff                 what differs; default from the one before to what is in force. A revision is a number, the
                       beginning of its hash (4 digits or more), or sources: what these hold now
  rollback             put an accepted configuration in force again; default the one before with other content. It stays
                       until the sources hold something else than now, or it is unpinned
  unpin                put in force what the sources hold
  --from SOURCE        of import: what FILE holds, gateway-api; default gateway-api
  --check              of fmt: only say whether FILE has the form
  --config-key-file FILE  keys, <id>:<hex> per line; default those of $SLUICE_CONFIG_KEYS
  --name NAME          what the document is called in its source (routes/shop); default the name of FILE
  --signature FILE     where the signature lies; default FILE.sig
  --revision N         must rise; default the seconds since 1970, and more than that of the signature that is there
  --key ID             key to sign with; default the first
  --config FILE        explain by this document alone; default by what a running gateway has
  --reason TEXT        for the log and the status
  --admin URL          admin server; default $SLUICE_ADMIN, else http://127.0.0.1:9900
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

rollback and unpin need the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 done, 1 refused or problems found, 2 wrong usage, 3 cannot reach the admin server.
`;

/** Digits of the content hash that people are shown. */
const HASH_SHOWN = 12;

const SUBCOMMANDS = ['validate', 'fmt', 'schema', 'import', 'sign', 'verify', 'explain', ...REVISION_ACTIONS] as const;

/**
 * Runs `sluice config` with the arguments after `config`.
 * @returns the exit code: 0 fine, 1 problems or an unreadable file, 2 wrong usage
 */
export async function configCommand(args: readonly string[], io: ConfigIo, tools: ConfigTools): Promise<number> {
  try {
    return await dispatch(args, io, tools);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    io.stderr(`sluice: ${error.message}\n`);
    if (error.code !== 'SLU_USAGE') return EXIT.failed;
    io.stderr('try: sluice config --help\n');
    return EXIT.usage;
  }
}

async function dispatch(args: readonly string[], io: ConfigIo, tools: ConfigTools): Promise<number> {
  const [subcommand = '', ...rest] = args;
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(CONFIG_USAGE);
    return EXIT.ok;
  }
  if (subcommand === 'validate') return validate(rest, io, tools);
  if (subcommand === 'fmt') return format(rest, io, tools);
  if (subcommand === 'schema') return schema(rest, io, tools);
  if (subcommand === 'sign') return signCommand(rest, io, tools.signing);
  if (subcommand === 'verify') return verifySignature(rest, io, tools.signing);
  if (subcommand === '') throw new SluiceError('SLU_USAGE', `say what to do: ${SUBCOMMANDS.join(', ')}`);
  const meant = SUBCOMMANDS.find((known) => known.startsWith(subcommand.slice(0, 3))) ?? null;
  throw new SluiceError('SLU_USAGE', `unknown command config ${subcommand}${didYouMean(meant)}`);
}

async function validate(args: readonly string[], io: ConfigIo, tools: ConfigTools): Promise<number> {
  const options = { output: { type: 'string', short: 'o' }, 'config-key-file': { type: 'string' } } as const;
  const { values, positionals } = readArgs(args, options, 1);
  const format = readChoice('--output', values.output, ['text', 'json']);
  const [file] = positionals;
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'validate takes a file');
  const text = await tools.readText(file);
  const isJson = format === 'json';
  const unsigned = await unsignedBy(values['config-key-file'] ?? null, file, tools);
  if (unsigned.length > 0) return refuse(file, unsigned, isJson, io);
  const sourced = tools.sources(text, file);
  if (sourced !== null) return validateSourced(file, sourced, isJson, io);
  const result = tools.parse(text, file);
  io.stdout(isJson ? describeAsJson(file, result, tools) : describeAsText(file, result, tools));
  return result.ok ? EXIT.ok : EXIT.failed;
}

/** What is wrong with the signature of a file; nothing where there are no keys. */
async function unsignedBy(keyFile: string | null, file: string, tools: ConfigTools): Promise<readonly Problem[]> {
  if (!(await tools.signing.hasKeys(keyFile))) return [];
  return (await tools.signing.verify({ file, keyFile, subject: null, signatureFile: null })).problems;
}

function refuse(file: string, problems: readonly Problem[], isJson: boolean, io: ConfigIo): number {
  const text = `${lines(problems)}${file}: refused, ${count(problems.length, 'problem')}\n`;
  io.stdout(isJson ? `${JSON.stringify({ file, ok: false, warnings: [], problems }, null, 2)}\n` : text);
  return EXIT.failed;
}

/** Stores are not asked: the document is checked for what it says itself. */
function validateSourced(
  file: string,
  { names, problems }: { readonly names: readonly string[]; readonly problems: readonly Problem[] },
  isJson: boolean,
  io: ConfigIo,
): number {
  const ok = problems.length === 0;
  if (isJson) io.stdout(`${JSON.stringify({ file, ok, sources: names, warnings: [], problems }, null, 2)}\n`);
  else if (ok) io.stdout(`${file}: ok by itself; the rest is in ${names.join(', ')}, which was not asked\n`);
  else io.stdout(`${lines(problems)}${file}: refused, ${count(problems.length, 'problem')}\n`);
  return ok ? EXIT.ok : EXIT.failed;
}

async function format(args: readonly string[], io: ConfigIo, tools: ConfigTools): Promise<number> {
  const { values, positionals } = readArgs(args, { check: { type: 'boolean' } }, 1);
  const [file] = positionals;
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'fmt takes a file');
  const text = await tools.readText(file);
  const formatted = tools.format(text);
  if (!formatted.ok) {
    io.stderr(`sluice: ${file} cannot be formatted: ${visible(formatted.because)}\n`);
    return EXIT.failed;
  }
  if (values.check !== true) io.stdout(formatted.text);
  else if (formatted.text !== text) io.stderr(`sluice: ${file} has another form: sluice config fmt ${file}\n`);
  return values.check === true && formatted.text !== text ? EXIT.failed : EXIT.ok;
}

function schema(args: readonly string[], io: ConfigIo, tools: ConfigTools): number {
  readArgs(args, {});
  io.stdout(`${JSON.stringify(tools.schema(), null, 2)}\n`);
  return EXIT.ok;
}

function describeAsText(file: string, result: ParseResult, tools: ConfigTools): string {
  if (!result.ok) {
    return `${lines(result.problems)}${file}: refused, ${count(result.problems.length, 'problem')}\n`;
  }
  const { config, warnings } = result;
  const counts = [count(config.routes.length, 'route'), count(config.services.length, 'service')];
  if (warnings.length > 0) counts.push(count(warnings.length, 'warning'));
  const hash = tools.hash(config).slice(0, HASH_SHOWN);
  return `${lines(warnings, 'warning: ')}${file}: ok, ${counts.join(', ')}, hash ${hash}\n`;
}

function describeAsJson(file: string, result: ParseResult, tools: ConfigTools): string {
  const facts = result.ok
    ? {
        file,
        ok: true,
        routes: result.config.routes.length,
        services: result.config.services.length,
        hash: tools.hash(result.config),
        warnings: result.warnings,
        problems: [],
      }
    : { file, ok: false, warnings: [], problems: result.problems };
  return `${JSON.stringify(facts, null, 2)}\n`;
}

function lines(problems: readonly Problem[], prefix = ''): string {
  return problems.map((problem) => `${prefix}${formatProblem(problem)}\n`).join('');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
