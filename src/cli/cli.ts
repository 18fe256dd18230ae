/**
 * The command line: finds the command, runs it, and turns what went wrong into words and an exit code.
 */

import { similarTo } from '../lib/text/similar.ts';
import { formatProblem, SluiceError } from '../model/problem.ts';
import { didYouMean } from './args.ts';
import { COMMANDS, type CommandEntry } from './commands/table.ts';
import { type CliDeps, EXIT } from './deps.ts';

/**
 * Runs the command that `argv` (without `node` and the script) names.
 * @returns the exit code (`EXIT`). Never rejects.
 */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  // A reader that went away (`sluice run | head`) or a full disk under the output must not end a gateway.
  let fault: NodeJS.ErrnoException | null = null;
  deps.stdout.on('error', (error) => {
    fault ??= error;
  });
  deps.stderr.on('error', () => undefined);
  const [name = 'help', ...rest] = argv;
  let code: number;
  try {
    code = await dispatch(name, rest, deps);
  } catch (error) {
    code = explain(error, name, deps);
  }
  // A stream tells of a failed write in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  return fault === null ? code : undelivered(fault, name, code, deps);
}

/** What could not be written was not done; but a gateway is there to serve, and a reader that left has seen enough. */
function undelivered(fault: NodeJS.ErrnoException, name: string, code: number, deps: CliDeps): number {
  if (fault.code === 'EPIPE') return code;
  deps.stderr.write(`sluice: cannot write to standard output: ${fault.message}\n`);
  return code === EXIT.ok && name !== 'run' ? EXIT.failed : code;
}

async function dispatch(name: string, rest: readonly string[], deps: CliDeps): Promise<number> {
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0], deps);
  const entry = commandNamed(name === '--version' || name === '-v' ? 'version' : name);
  if (asksHelp(rest)) return help(entry.name, deps);
  const command = await entry.load();
  // Few ask for it, and what is not asked for is not loaded.
  if (!rest.some((word) => word.endsWith('yaml'))) return command.run(rest, deps);
  const { asksYaml, runForYaml } = await import('./commands/yaml-output.ts');
  const asked = asksYaml(rest);
  return asked === null ? command.run(rest, deps) : runForYaml((yaml) => command.run(asked, yaml), deps);
}

function asksHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).some((word) => word === '--help' || word === '-h');
}

function commandNamed(name: string): CommandEntry {
  const command = COMMANDS.find((known) => known.name === name);
  if (command !== undefined) return command;
  const meant = similarTo(name, [...COMMANDS.map((known) => known.name), 'help']);
  throw new SluiceError('SLU_USAGE', `unknown command ${name}${didYouMean(meant)}`);
}

async function help(topic: string | undefined, deps: CliDeps): Promise<number> {
  const isOverview = topic === undefined || topic === 'help';
  deps.stdout.write(isOverview ? overview() : (await commandNamed(topic).load()).usage);
  return EXIT.ok;
}

function overview(): string {
  const rows = COMMANDS.map(({ name, about }) => `  ${name.padEnd(11)}${about}`);
  return (
    'sluice: an edge gateway that rolls a bad canary back by itself\n\n' +
    `${rows.join('\n')}\n  help       this text, or that of a command\n\n` +
    'sluice COMMAND --help says more. Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 cannot reach the admin server.\n'
  );
}

/** Says what went wrong, where, and what to do; only the unexpected shows a stack. */
function explain(error: unknown, name: string, deps: CliDeps): number {
  if (!(error instanceof SluiceError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    deps.stderr.write(`sluice: unexpected failure, please report it\n${text}\n`);
    return EXIT.failed;
  }
  for (const problem of error.problems) deps.stderr.write(`${formatProblem(problem)}\n`);
  deps.stderr.write(`sluice: ${error.message}\n`);
  if (error.code !== 'SLU_USAGE') return EXIT.failed;
  const isKnown = COMMANDS.some((command) => command.name === name);
  deps.stderr.write(`try: sluice ${isKnown ? `${name} ` : ''}--help\n`);
  return EXIT.usage;
}
