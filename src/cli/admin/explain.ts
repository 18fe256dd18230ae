/**
 * `sluice config explain`: a setting in force, where it comes from, and what goes before it.
 */

import { visibleLines } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import type { VersionWeights } from '../../model/status.ts';
import type { SettingExplanation, SettingInForce, SettingPlace } from '../../model/threads/explain.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, EXIT } from '../deps.ts';
import { DEFAULT_ADMIN, fetchSetting, reasonOf } from './ask/client.ts';

const OPTIONS = {
  config: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;
const INDENT = 2;

/** Runs the command with the arguments after `explain`. @returns the exit code. @throws SluiceError */
export async function explainCommand(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const [path] = positionals;
  if (path === undefined) throw new SluiceError('SLU_USAGE', 'explain takes a path, as in routes[2].slo');
  if (values.config !== undefined && values.admin !== undefined) {
    throw new SluiceError('SLU_USAGE', '--config and --admin exclude each other');
  }
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  if (values.config !== undefined) return fromDocument(values.config, path, { isJson, deps });
  const adminUrl = values.admin ?? deps.env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN;
  try {
    const answer = await fetchSetting(adminUrl, path);
    if (answer.kind === 'refused') return refuse(answer.detail, deps);
    const { setting } = answer;
    deps.stdout.write(isJson ? jsonText(setting) : visibleLines(`${settingText(setting)}${forceText(setting)}`));
    return EXIT.ok;
  } catch (error) {
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${reasonOf(error)}\n`);
    return EXIT.unreachable;
  }
}

interface Telling {
  readonly isJson: boolean;
  readonly deps: CliDeps;
}

async function fromDocument(file: string, path: string, { isJson, deps }: Telling): Promise<number> {
  const config = await deps.config();
  const text = await config.readText(file);
  const answer = config.explainSetting(text, file, path);
  if (answer.kind === 'refused') return refuse(answer.detail, deps);
  const sources = config.sources(text, file)?.names ?? [];
  const note = sources.length === 0 ? '' : `note: ${sources.join(', ')} may say more, and were not asked\n`;
  deps.stdout.write(isJson ? jsonText(answer.setting) : visibleLines(`${settingText(answer.setting)}${note}`));
  return EXIT.ok;
}

function refuse(detail: string, { stderr }: CliDeps): number {
  stderr.write(`sluice: ${visibleLines(detail)}\n`);
  return EXIT.failed;
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, INDENT)}\n`;
}

/** A setting as people read it, ending in a newline. */
export function settingText(setting: SettingExplanation): string {
  const { path, origin, about, place, shadowed, weightsFrom } = setting;
  const lines = [`${path} = ${valueText(setting)}`];
  if (place !== null) lines.push(`  from ${placeText(place)}`);
  if (origin === 'default') lines.push('  the default: no document says it');
  if (origin === 'none') lines.push('  no document says it');
  for (const other of shadowed) lines.push(`  not counted: ${placeText(other)}, which comes later`);
  if (weightsFrom !== null) lines.push(`  weights from ${placeText(weightsFrom)}`);
  if (about !== '') lines.push(`  ${about}`);
  return `${lines.join('\n')}\n`;
}

function valueText({ value, origin, defaultText }: SettingExplanation): string {
  if (origin === 'default') return defaultText;
  return origin === 'none' ? 'not set' : JSON.stringify(value, null, INDENT);
}

function placeText({ file, line, column, path }: SettingPlace): string {
  return `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}`;
}

function forceText({ number, hash, difference, versions }: SettingInForce): string {
  const lines = versions.map(weightLine);
  lines.push(`  revision ${number} #${hash.slice(0, 8)}`);
  if (difference !== '') lines.push(`note: this is what the documents say; in force is another: ${difference}`);
  return `${lines.join('\n')}\n`;
}

function weightLine({ service, version, weight, weightBecause, weightConfigured, weightFrom }: VersionWeights): string {
  const origin = weightFrom === 'weights' ? 'by the weights document' : 'by the route';
  const why = weightBecause === '' ? '' : `: ${weightBecause}`;
  return `  ${service} ${version} has weight ${weight}, ${weightConfigured} ${origin}${why}`;
}
