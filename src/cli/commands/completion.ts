/**
 * `sluice completion`: a script for a shell that completes commands, actions, options and their values.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { SluiceError } from '../../model/problem.ts';
import { didYouMean, readArgs } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { bashScript } from './shells/bash.ts';
import { fishScript } from './shells/fish.ts';
import type { Said } from './shells/said.ts';
import { zshScript } from './shells/zsh.ts';
import { COMMANDS } from './table.ts';
import { wordsOf } from './words.ts';

const USAGE = `sluice completion bash|zsh|fish

Prints a script that completes commands, their actions, options and values, made from their help.

  bash                 eval "$(sluice completion bash)" in ~/.bashrc
  zsh                  sluice completion zsh > a file named _sluice in a folder of $fpath
  fish                 sluice completion fish > ~/.config/fish/completions/sluice.fish
  -h, --help           this text

Exit codes: 0 printed, 2 wrong usage.
`;

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** The command `completion`. */
export const completionCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { positionals } = readArgs(argv, {}, 1);
  const [shell = ''] = positionals;
  if (!isShell(shell)) {
    const known = Object.keys(SHELLS);
    const got = shell === '' ? '' : `, got ${shell}${didYouMean(similarTo(shell, known))}`;
    throw new SluiceError('SLU_USAGE', `completion takes one of ${known.join(', ')}${got}`);
  }
  deps.stdout.write(SHELLS[shell](await everythingSaid()));
  return EXIT.ok;
}

function isShell(name: string): name is keyof typeof SHELLS {
  return Object.hasOwn(SHELLS, name);
}

/** Every command with its words; each is loaded for it. */
export async function everythingSaid(): Promise<Said[]> {
  return Promise.all(
    COMMANDS.map(async ({ name, about, load }) => {
      const { usage } = await load();
      return { name, about, usage, ...wordsOf(name, usage) };
    }),
  );
}
