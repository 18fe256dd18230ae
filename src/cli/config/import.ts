/**
 * `sluice config import`: routes of another gateway as a configuration to go on from.
 */

import { visible } from '../../lib/text/visible.ts';
import { formatProblem, SluiceError } from '../../model/problem.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, EXIT } from '../deps.ts';
import { fromHttpRoutes } from './http-routes.ts';

const SOURCES = ['gateway-api'] as const;

/** Runs the command with the arguments after `import`. @returns the exit code. @throws SluiceError */
export async function importCommand(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, { from: { type: 'string' } }, 1);
  readChoice('--from', values.from, SOURCES);
  const [file] = positionals;
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'import takes a file');
  const [config, slo] = await Promise.all([deps.config(), deps.slo()]);
  const yaml = slo.readYaml(await config.readText(file));
  if (!yaml.ok) {
    deps.stderr.write(`sluice: ${file}:${yaml.place.line}:${yaml.place.column}: ${visible(yaml.because)}\n`);
    return EXIT.failed;
  }
  const { services, routes, leftOut } = fromHttpRoutes(yaml.documents.map(({ value }) => value));
  for (const what of leftOut) deps.stderr.write(`warning: left out: ${visible(what)}\n`);
  if (routes.length === 0) {
    deps.stderr.write(`sluice: ${file} has no HTTPRoute\n`);
    return EXIT.failed;
  }
  const text = slo.writeYaml([{ services, routes }]);
  deps.stdout.write(text);
  const parsed = config.parse(text, 'the result');
  for (const problem of parsed.ok ? parsed.warnings : parsed.problems) {
    deps.stderr.write(`${parsed.ok ? 'warning: ' : ''}${visible(formatProblem(problem))}\n`);
  }
  return parsed.ok ? EXIT.ok : EXIT.failed;
}
