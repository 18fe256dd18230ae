/**
 * Reads an SLO file of either form: a configuration of the gateway, or OpenSLO v1.
 */

import type { Config } from '../../model/config.ts';
import type { Problem } from '../../model/problem.ts';
import type { ConfigTools } from '../config/command.ts';
import type { CliDeps } from '../deps.ts';
import { Findings, mappingOf, valueAt } from './check/findings.ts';
import { isOpenSlo, readOpenSlo } from './check/openslo.ts';
import { type ExtraFields, type FileObjective, objectivesIn } from './objective.ts';
import type { FileDocument, SloTools } from './tools.ts';

export interface SloFile {
  readonly format: 'sluice' | 'openslo';
  /** Those that the gateway measures; none when there are problems. */
  readonly objectives: readonly FileObjective[];
  /** What is asked for besides objectives, as it is written. */
  readonly extras: readonly ExtraFields[];
  /** null of OpenSLO, and when there are problems. */
  readonly config: Config | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface ReadTools {
  readonly config: ConfigTools;
  readonly slo: SloTools;
}

/** Loads what reading takes. */
export async function toolsOf(deps: Pick<CliDeps, 'config' | 'slo'>): Promise<ReadTools> {
  const [config, slo] = await Promise.all([deps.config(), deps.slo()]);
  return { config, slo };
}

/** @throws SluiceError SLU_CONFIG_UNREADABLE */
export async function readSloFile(file: string, tools: ReadTools): Promise<SloFile> {
  const text = await tools.config.readText(file);
  const yaml = tools.slo.readYaml(text);
  if (!yaml.ok) {
    const { place, because } = yaml;
    const code = tools.slo.codeOf('syntax');
    const problem = { code, file, ...place, path: '', expected: 'valid YAML', got: `an error: ${because}`, hint: '' };
    return { format: 'sluice', objectives: [], extras: [], config: null, problems: [problem], warnings: [] };
  }
  return yaml.documents.some(isOpenSlo)
    ? fromOpenSlo(yaml.documents, file, tools)
    : fromConfig(text, file, yaml.documents, tools);
}

function fromOpenSlo(documents: readonly FileDocument[], file: string, { slo }: ReadTools): SloFile {
  const findings = new Findings(file, slo);
  const own = readOpenSlo(documents, findings);
  const { problems, warnings } = findings;
  const seen = new Set<string>();
  for (const { fields, scope, name, indicator } of own) {
    const key = `${scope}/${name}/${indicator}`;
    const flaw = {
      kind: 'sloTwice',
      expected: `one objective for ${indicator} of ${scope} ${name}`,
      got: 'another',
    } as const;
    if (seen.has(key)) findings.refuse(fields.document, fields.path, flaw);
    seen.add(key);
  }
  const objectives = own.map(({ fields: _fields, ...objective }) => objective);
  if (problems.length > 0) return { format: 'openslo', objectives: [], extras: [], config: null, problems, warnings };
  const extras = own
    .filter(({ fields }) => valueAt(fields.document.value, ['spec', 'alertPolicies']) !== undefined)
    .map(({ scope, name }) => ({ scope, name, fields: ['alertPolicies'] }));
  return { format: 'openslo', objectives, extras, config: null, problems, warnings };
}

function fromConfig(text: string, file: string, documents: readonly FileDocument[], { config }: ReadTools): SloFile {
  const parsed = config.parse(text, file);
  if (!parsed.ok) {
    return { format: 'sluice', objectives: [], extras: [], config: null, problems: parsed.problems, warnings: [] };
  }
  const { config: read, warnings } = parsed;
  const extras = documents.flatMap(({ value }) => extrasIn(value));
  return { format: 'sluice', objectives: objectivesIn(read), extras, config: read, problems: [], warnings };
}

/** Fields of an `slo` that make its objectives. */
const OBJECTIVE_FIELDS = ['availability', 'latency', 'timeWindow', 'composite'];

function extrasIn(document: unknown): ExtraFields[] {
  const extra = (scope: ExtraFields['scope'], name: string, one: unknown): ExtraFields[] => {
    const fields = Object.keys(mappingOf(valueAt(one, ['slo'])) ?? {});
    const others = fields.filter((field) => !OBJECTIVE_FIELDS.includes(field));
    return others.length === 0 ? [] : [{ scope, name, fields: others }];
  };
  const routes = valueAt(document, ['routes']);
  const services = Object.entries(mappingOf(valueAt(document, ['services'])) ?? {});
  return [
    ...(Array.isArray(routes) ? routes : []).flatMap((one) => extra('route', String(valueAt(one, ['name'])), one)),
    ...services.flatMap(([name, one]) => extra('service', name, one)),
  ];
}
