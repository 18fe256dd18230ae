/**
 * `sluice config`: sends each of its actions to who does it: documents by themselves, or a running gateway.
 */

import { explainCommand } from '../admin/explain.ts';
import { REVISION_ACTIONS, revisionCommand } from '../admin/revisions.ts';
import type { Command } from '../deps.ts';
import { CONFIG_USAGE, configCommand } from './command.ts';
import { importCommand } from './import.ts';

/** The command `config`. */
export const configEntry: Command = {
  usage: CONFIG_USAGE,
  async run(argv, deps) {
    const action = REVISION_ACTIONS.find((name) => name === argv[0]);
    if (action !== undefined) return revisionCommand(action, argv.slice(1), deps);
    if (argv[0] === 'explain') return explainCommand(argv.slice(1), deps);
    if (argv[0] === 'import') return importCommand(argv.slice(1), deps);
    const { stdout, stderr } = deps;
    const io = { stdout: (text: string) => void stdout.write(text), stderr: (text: string) => void stderr.write(text) };
    return configCommand(argv, io, await deps.config());
  },
};
