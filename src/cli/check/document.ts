/**
 * Checks of a configuration document by itself.
 */

import type { Config } from '../../model/config.ts';
import { formatProblem, type Problem, SluiceError } from '../../model/problem.ts';
import { rolloutOn } from '../../model/rollout.ts';
import type { ConfigTools } from '../config/command.ts';
import { type Check, checksOf } from './checks.ts';

/** What a document says; the configuration is null where it is not sound, or in part elsewhere. */
export interface CheckedDocument {
  readonly checks: readonly Check[];
  readonly config: Config | null;
}

/** Problems that are told one by one. */
const PROBLEMS_SHOWN = 10;
const { pass, warn, fail } = checksOf('config');

/** Reads a document, verifies it where there are keys, and checks all of it. */
export async function checkDocument(file: string, tools: ConfigTools): Promise<CheckedDocument> {
  let text: string;
  try {
    text = await tools.readText(file);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { checks: [fail(error.message, 'name another file: sluice check FILE')], config: null };
  }
  const signed = await signatureChecks(file, tools);
  const sourced = tools.sources(text, file);
  if (sourced !== null) {
    const { names, problems } = sourced;
    const told = problems.length > 0 ? problemChecks(problems) : [pass(`${file} is sound by itself`)];
    const more = warn(
      `the rest is in ${names.join(', ')}, which was not asked`,
      'a running gateway tells: sluice status',
    );
    return { checks: [...signed, ...told, more], config: null };
  }
  const parsed = tools.parse(text, file);
  if (!parsed.ok) return { checks: [...signed, ...problemChecks(parsed.problems)], config: null };
  const { config, warnings } = parsed;
  const sound = pass(`${file} is sound: ${config.routes.length} routes, ${config.services.length} services`);
  const told = warnings.slice(0, PROBLEMS_SHOWN).map((problem) => warn(formatProblem(problem), pageOf(problem)));
  return { checks: [...signed, sound, ...told, ...guardChecks(config)], config };
}

async function signatureChecks(file: string, { signing }: ConfigTools): Promise<Check[]> {
  if (!(await signing.hasKeys(null))) return [];
  const { signature, problems } = await signing.verify({ file, subject: null, keyFile: null, signatureFile: null });
  if (signature !== null) return [pass(`${file} is signed by key ${signature.keyId}, revision ${signature.revision}`)];
  return problems.map((problem) => fail(formatProblem(problem), `sign it: sluice config sign ${file}`));
}

function problemChecks(problems: readonly Problem[]): Check[] {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map((problem) => fail(formatProblem(problem), pageOf(problem)));
  const more = problems.length - shown.length;
  return more > 0 ? [...shown, fail(`and ${more} more problems`, 'sluice config validate lists all of them')] : shown;
}

function pageOf({ code }: Problem): string {
  return `docs/problems.md has ${code}`;
}

/** What is allowed, and leaves a release without protection. */
function guardChecks({ routes, adminTokenHash }: Config): Check[] {
  const split = routes.filter((route) => rolloutOn(route) === null && route.backendRefs.length > 1);
  const names = split
    .slice(0, 5)
    .map(({ name }) => name)
    .join(', ');
  const open =
    split.length === 0
      ? []
      : [warn(`${split.length} routes have several versions and no rollout: ${names}`, ROLLOUT_HINT)];
  const token =
    adminTokenHash === null
      ? [warn('no adminToken: only SLUICE_ADMIN_TOKEN of its environment allows commands', TOKEN_HINT)]
      : [];
  return [...open, ...token];
}

const ROLLOUT_HINT = 'nobody judges them: give such a route a rollout, or say nothing if it is meant so';
const TOKEN_HINT = 'without either a rollback by hand needs an edit of the document';
