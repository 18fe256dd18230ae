/**
 * `sluice version`: the release, and what it runs on.
 */

import { readArgs, readChoice } from '../args.ts';
import { type Command, EXIT } from '../deps.ts';

const USAGE = `sluice version [-o json]

  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 printed, 2 wrong usage.
`;

/** The command `version`. */
export const versionCommand: Command = {
  usage: USAGE,
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
