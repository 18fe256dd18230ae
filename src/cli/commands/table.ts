/**
 * Every command but `help`, in the order in which people are shown them. A command is loaded when it is asked for: starting the
 * command line costs no more than this table.
 */

import type { Command } from '../deps.ts';

/** A command by name, before it is loaded. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly about: string;
  readonly load: () => Promise<Command>;
}

const entry = (name: string, about: string, load: () => Promise<Command>): CommandEntry => ({ name, about, load });

export const COMMANDS: readonly CommandEntry[] = [
  entry('run', 'serve a configuration', async () => (await import('../run.ts')).runCommand),
  entry('demo', 'watch a bad canary being rolled back', async () => (await import('../demo/demo.ts')).demoCommand),
  entry(
    'config',
    'check, format, sign, import, explain a configuration; revisions of a running one',
    async () => (await import('../config/entry.ts')).configEntry,
  ),
  entry('status', 'show a running gateway', async () => (await import('../admin/status.ts')).statusCommand),
  entry(
    'top',
    'show the routes that matter most: traffic, errors, p99, burn',
    async () => (await import('../live/top.ts')).topCommand,
  ),
  entry(
    'why',
    'tell why something was decided, with the numbers that prove it',
    async () => (await import('../log/why.ts')).whyCommand,
  ),
  entry(
    'events',
    'show what happened, and what happens',
    async () => (await import('../live/events.ts')).eventsCommand,
  ),
  entry('tap', 'show requests as they go by', async () => (await import('../live/tap.ts')).tapCommand),
  entry(
    'diff',
    'show how the answers of a mirror differ from those that clients get',
    async () => (await import('../live/diff.ts')).diffCommand,
  ),
  entry(
    'route',
    'show the routes of a running gateway; explain which one takes a request',
    async () => (await import('../admin/route/command.ts')).routeCommand,
  ),
  entry('rollout', 'steer a rollout', async () => (await import('../admin/rollout.ts')).rolloutCommand),
  entry(
    'weights',
    'show or set the weights of a route',
    async () => (await import('../admin/weights.ts')).weightsCommand,
  ),
  entry(
    'decisions',
    'show or export what was decided about rollouts and configurations',
    async () => (await import('../log/decisions.ts')).decisionsCommand,
  ),
  entry(
    'verify',
    'derive the log of decisions again',
    async () => (await import('../log/verify/command.ts')).verifyCommand,
  ),
  entry(
    'replay',
    'judge recorded evidence again, by this policy or another',
    async () => (await import('../log/replay.ts')).replayCommand,
  ),
  entry(
    'check',
    'check a configuration, this machine and a running gateway',
    async () => (await import('../check/command.ts')).checkCommand,
  ),
  entry('plan', 'forecast what a rollout can find', async () => (await import('../admin/plan.ts')).planCommand),
  entry(
    'simulate',
    'try a rollout on virtual time: how fast it ends, and what users see until then',
    async () => (await import('../check/simulate.ts')).simulateCommand,
  ),
  entry(
    'slo',
    'show objectives; check SLO files, convert them from and for other tools',
    async () => (await import('../slo/command.ts')).sloCommand,
  ),
  entry('gate', 'say whether a release may go on', async () => (await import('../gate/command.ts')).gateCommand),
  entry(
    'sla',
    'check a contract against what was measured',
    async () => (await import('../slo/sla/command.ts')).slaCommand,
  ),
  entry(
    'restore',
    'bring versions back that drifted',
    async () => (await import('../admin/restore.ts')).restoreCommand,
  ),
  entry(
    'faults',
    'what goes wrong on purpose; stop ends it',
    async () => (await import('../admin/faults.ts')).faultsCommand,
  ),
  entry(
    'notify',
    'who is told of alerts; test a channel, retry what failed',
    async () => (await import('../notify.ts')).notifyCommand,
  ),
  entry(
    'reload',
    'have a running gateway read its configuration and sources again',
    async () => (await import('../admin/process/reload.ts')).reloadCommand,
  ),
  entry(
    'drain',
    'have a running gateway finish what is under way and end',
    async () => (await import('../admin/process/drain.ts')).drainCommand,
  ),
  entry(
    'restart',
    'replace a running gateway by a new process, without a gap',
    async () => (await import('../admin/process/restart.ts')).restartCommand,
  ),
  entry(
    'bugreport',
    'write a redacted report of a running gateway into a file',
    async () => (await import('../admin/process/bugreport.ts')).bugreportCommand,
  ),
  entry(
    'completion',
    'print a script that completes commands in bash, zsh or fish',
    async () => (await import('./completion.ts')).completionCommand,
  ),
  entry('version', 'print the release', async () => (await import('./version.ts')).versionCommand),
];
