/**
 * The command line: finds the command, runs it, and turns what went wrong into words and an exit code.
 */

import { similarTo } from '../lib/text/similar.ts';
import { formatProblem, SluiceError } from '../model/problem.ts';
import { planCommand } from './admin/plan.ts';
import { restartCommand } from './admin/restart.ts';
import { restoreCommand } from './admin/restore.ts';
import { REVISION_ACTIONS, revisionCommand } from './admin/revisions.ts';
import { rolloutCommand } from './admin/rollout.ts';
import { statusCommand } from './admin/status.ts';
import { weightsCommand } from './admin/weights.ts';
import { didYouMean, readArgs, readChoice } from './args.ts';
import { CONFIG_USAGE, configCommand } from './config.ts';
import { demoCommand } from './demo/demo.ts';
import { type CliDeps, type Command, EXIT } from './deps.ts';
import { decisionsCommand } from './log/decisions.ts';
import { replayCommand } from './log/replay.ts';
import { runCommand } from './run.ts';
import { verifyCommand } from './verify/command.ts';

const versionCommand: Command = {
  name: 'version',
  about: 'print the release',
  usage:
    'sluice version [-o json]\n\n  -o, --output FORMAT  text, json; default text\n  -h, --help           this text\n',
  async run(argv, deps) {
    const { values } = readArgs(argv, { output: { type: 'string', short: 'o' } });
    const format = readChoice('--output', values.output, ['text', 'json']);
    const facts = { sluice: deps.version, node: process.version, platform: `${process.platform}-${process.arch}` };
    deps.stdout.write(
      format === 'json'
        ? `${JSON.stringify(facts)}\n`
        : `sluice ${facts.sluice} (node ${facts.node}, ${facts.platform})\n`,
    );
    return EXIT.ok;
  },
};

const configEntry: Command = {
  name: 'config',
  about: 'validate a configuration; history, diff, rollback of a running one',
  usage: CONFIG_USAGE,
  run: (argv, deps) => {
    const action = REVISION_ACTIONS.find((name) => name === argv[0]);
    if (action !== undefined) return revisionCommand(action, argv.slice(1), deps);
    const { stdout, stderr } = deps;
    const io = { stdout: (text: string) => void stdout.write(text), stderr: (text: string) => void stderr.write(text) };
    return configCommand(argv, io, deps.config);
  },
};

/** Every command but `help`. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  demoCommand,
  configEntry,
  statusCommand,
  rolloutCommand,
  weightsCommand,
  decisionsCommand,
  verifyCommand,
  replayCommand,
  planCommand,
  restoreCommand,
  restartCommand,
  versionCommand,
];

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
  return code === EXIT.ok && name !== runCommand.name ? EXIT.failed : code;
}

async function dispatch(name: string, rest: readonly string[], deps: CliDeps): Promise<number> {
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0], deps);
  const command = commandNamed(name === '--version' || name === '-v' ? 'version' : name);
  if (asksHelp(rest)) return help(command.name, deps);
  return command.run(rest, deps);
}

function asksHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).some((word) => word === '--help' || word === '-h');
}

function commandNamed(name: string): Command {
  const command = COMMANDS.find((known) => known.name === name);
  if (command !== undefined) return command;
  const meant = similarTo(name, [...COMMANDS.map((known) => known.name), 'help']);
  throw new SluiceError('SLU_USAGE', `unknown command ${name}${didYouMean(meant)}`);
}

function help(topic: string | undefined, deps: CliDeps): number {
  deps.stdout.write(topic === undefined || topic === 'help' ? overview() : commandNamed(topic).usage);
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
