/**
 * `sluice slo export` and `import`: objectives in the formats of other tools, and from them.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { formatProblem, SluiceError } from '../../model/problem.ts';
import { didYouMean, readArgs } from '../args.ts';
import { type CliDeps, EXIT } from '../deps.ts';
import { fromOpenApi, isOpenApi } from './formats/openapi.ts';
import { isPlain, openSloDocuments } from './formats/openslo.ts';
import { prometheusRules } from './formats/prometheus.ts';
import { pyrraDocuments } from './formats/pyrra.ts';
import { slothDocuments } from './formats/sloth.ts';
import { type ExtraFields, type FileObjective, titleOf } from './objective.ts';
import { type ReadTools, readSloFile, type SloFile, toolsOf } from './read.ts';
import type { SloTools } from './tools.ts';

const FORMATS = ['prometheus', 'openslo', 'sloth', 'pyrra'] as const;
const SOURCES = ['openslo', 'openapi'] as const;

/** @throws SluiceError SLU_USAGE, SLU_CONFIG_UNREADABLE */
export async function exportObjectives(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, { format: { type: 'string' } }, 1);
  const file = positionals[0];
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'slo export takes a file');
  const format = readFormat(values.format, FORMATS);
  const read = await readSloFile(file, await toolsOf(deps));
  if (read.problems.length > 0) return refuse(read, file, deps);
  for (const warning of read.warnings) deps.stderr.write(`warning: ${formatProblem(warning)}\n`);
  const objectives = format === 'openslo' ? plain(read.objectives, deps) : read.objectives;
  tellLeftOut(format === 'openslo' ? read.extras : windowsOf(read.objectives), format, deps);
  if (objectives.length === 0) {
    deps.stderr.write(`sluice: ${file} has no objectives to export\n`);
    return EXIT.failed;
  }
  const slo = await deps.slo();
  deps.stdout.write(slo.writeYaml(documentsOf(format, objectives, { slo, version: deps.version })));
  return EXIT.ok;
}

function documentsOf(
  format: (typeof FORMATS)[number],
  objectives: readonly FileObjective[],
  { slo, version }: { readonly slo: SloTools; readonly version: string },
): unknown[] {
  if (format === 'prometheus') return [prometheusRules(objectives, slo.rules, version)];
  if (format === 'openslo') return openSloDocuments(objectives);
  return format === 'sloth' ? slothDocuments(objectives) : pyrraDocuments(objectives);
}

function plain(objectives: readonly FileObjective[], deps: CliDeps): FileObjective[] {
  for (const one of objectives.filter((objective) => !isPlain(objective))) {
    deps.stderr.write(`warning: ${titleOf(one)} is left out: OpenSLO has no form for it\n`);
  }
  return objectives.filter(isPlain);
}

/** Rules and objectives of Prometheus, Sloth and Pyrra are of 28 days that roll; what else an `slo` says is not theirs to know. */
function windowsOf(objectives: readonly FileObjective[]): ExtraFields[] {
  const kept = objectives.filter(({ calendar }) => calendar !== null);
  return kept.map(({ scope, name }) => ({ scope, name, fields: ['timeWindow'] }));
}

function tellLeftOut(extras: readonly ExtraFields[], where: string, deps: CliDeps): void {
  const lines = extras.map(
    ({ scope, name, fields }) => `warning: left out of ${scope} ${name}: ${fields.join(', ')} (no form in ${where})\n`,
  );
  for (const line of new Set(lines)) deps.stderr.write(line);
}

/** @throws SluiceError SLU_USAGE, SLU_CONFIG_UNREADABLE */
export async function importObjectives(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, { format: { type: 'string' } }, 1);
  const file = positionals[0];
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'slo import takes a file');
  const format = readFormat(values.format, SOURCES);
  const read =
    format === 'openapi' ? await readOpenApi(file, await toolsOf(deps)) : await readSloFile(file, await toolsOf(deps));
  if (read.problems.length > 0) return refuse(read, file, deps);
  for (const warning of read.warnings) deps.stderr.write(`warning: ${formatProblem(warning)}\n`);
  if (read.format !== format) {
    deps.stderr.write(`sluice: ${file} is not ${format}\n`);
    return EXIT.failed;
  }
  if (read.objectives.length === 0) {
    deps.stderr.write(`sluice: ${file} has no objectives that say which route or service they are of\n`);
    return EXIT.failed;
  }
  const missing = withoutAvailability(read.objectives);
  for (const { scope, name } of missing) {
    deps.stderr.write(
      `sluice: ${scope} ${name} has latency and no availability, which every slo of the gateway needs\n`,
    );
  }
  if (missing.length > 0) return EXIT.failed;
  tellLeftOut([...read.extras, ...otherWindows(read.objectives)], 'a configuration', deps);
  const slo = await deps.slo();
  deps.stdout.write(slo.writeYaml([fragmentOf(read.objectives, slo)]));
  return EXIT.ok;
}

async function readOpenApi(
  file: string,
  { config, slo }: ReadTools,
): Promise<Omit<SloFile, 'format' | 'config'> & { readonly format: string }> {
  const yaml = slo.readYaml(await config.readText(file));
  const document = yaml.ok ? yaml.documents.find(isOpenApi) : undefined;
  if (document !== undefined) return { format: 'openapi', extras: [], ...fromOpenApi(document, file, slo) };
  const place = yaml.ok ? { line: 1, column: 1 } : yaml.place;
  const [code, expected] = [slo.codeOf(yaml.ok ? 'sloField' : 'syntax'), 'an OpenAPI 3 document'];
  const got = yaml.ok ? 'a document without openapi: 3.…' : yaml.because;
  const problem = { code, file, ...place, path: '', expected, got, hint: '' };
  return { format: 'openapi', objectives: [], extras: [], problems: [problem], warnings: [] };
}

/** Fields of a configuration: what is to be merged into its routes and services. */
export function fragmentOf(
  objectives: readonly FileObjective[],
  tools: Pick<SloTools, 'writeDuration'>,
): Record<string, unknown> {
  const named = (scope: FileObjective['scope']) => {
    const own = objectives.filter((objective) => objective.scope === scope);
    return [...Map.groupBy(own, ({ name }) => name)].map(([name, asked]) => ({ name, slo: sloOf(asked, tools) }));
  };
  const [routes, services] = [named('route'), named('service')];
  return {
    ...(services.length > 0 && { services: Object.fromEntries(services.map(({ name, slo }) => [name, { slo }])) }),
    ...(routes.length > 0 && { routes }),
  };
}

function sloOf(asked: readonly FileObjective[], { writeDuration }: Pick<SloTools, 'writeDuration'>) {
  const availability = asked.find(({ indicator }) => indicator === 'availability');
  const latency = asked.find(({ indicator }) => indicator === 'latency');
  const late =
    latency === undefined || latency.thresholdMs === null
      ? {}
      : { latency: { threshold: writeDuration(latency.thresholdMs), target: latency.targetRatio } };
  const duration = { week: '1w', month: '1M' } as const;
  const calendar = availability?.calendar ?? null;
  const window = calendar === null ? {} : { timeWindow: { duration: duration[calendar], isRolling: false } };
  return { availability: availability?.targetRatio, ...late, ...window };
}

/** Latency whose window is not that of the availability beside it: an `slo` has one. */
function otherWindows(objectives: readonly FileObjective[]): ExtraFields[] {
  const calendars = new Map(
    objectives.flatMap(({ indicator, scope, name, calendar }) =>
      indicator === 'availability' ? [[`${scope}/${name}`, calendar]] : [],
    ),
  );
  return objectives
    .filter(({ scope, name, calendar }) => calendars.get(`${scope}/${name}`) !== calendar)
    .map(({ scope, name }) => ({ scope, name, fields: ['timeWindow of latency'] }));
}

function withoutAvailability(objectives: readonly FileObjective[]): FileObjective[] {
  const has = new Set(
    objectives.flatMap(({ indicator, scope, name }) => (indicator === 'availability' ? [`${scope}/${name}`] : [])),
  );
  return objectives.filter(({ scope, name }) => !has.has(`${scope}/${name}`));
}

function refuse({ problems }: Pick<SloFile, 'problems'>, file: string, deps: CliDeps): number {
  for (const problem of problems) deps.stderr.write(`${formatProblem(problem)}\n`);
  deps.stderr.write(`sluice: ${file} has ${problems.length} problem(s)\n`);
  return EXIT.failed;
}

function readFormat<const T extends readonly string[]>(text: string | undefined, formats: T): T[number] {
  if (text === undefined) throw new SluiceError('SLU_USAGE', `--format is one of ${formats.join(', ')}`);
  if (formats.includes(text)) return text;
  const hint = didYouMean(similarTo(text, formats));
  throw new SluiceError('SLU_USAGE', `--format is one of ${formats.join(', ')}, got ${text}${hint}`);
}
