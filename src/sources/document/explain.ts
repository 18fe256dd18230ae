/**
 * Explains a setting: what it is, which document says it and where, which others say it in vain, and what holds where none does.
 *
 * ```
 * routes[2].slo   routes.shop.slo   services.api.versions.v2   timeouts.request   versions["1.0"]   shop (a route)
 * ```
 * Merged by the same code as a configuration that is put in force; pure. Cost: reading the documents, and merging them.
 */

import type { SettingAnswer, SettingExplanation, SettingPlace } from '../../model/threads/explain.ts';
import { formatPath, type Path, type Position } from '../problems/report.ts';
import { descriptionAt, fieldsAt } from '../schema.ts';
import { type Merged, mergeParts } from './merge.ts';
import type { Part } from './part.ts';
import { isMapping, type SourceDocument } from './pieces.ts';
import { findValue } from './read.ts';

/** Characters of a path. */
const PATH_CHARS_MAX = 1024;
const STEP = /\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[([^\]"]+)\]/y;

/**
 * Explains the setting at a path, or the route of that name.
 * @param read reads a document by itself
 * @param redact takes the secrets out of a value
 */
export function explainSetting(
  documents: readonly SourceDocument[],
  path: string,
  { read, redact }: { readonly read: (document: SourceDocument) => Part; readonly redact: (value: unknown) => unknown },
): SettingAnswer {
  const parts = documents.map(read);
  const broken = parts.find(({ isReadable }) => !isReadable);
  if (broken !== undefined) return refused(`${broken.document.name} cannot be read: sluice config validate says why`);
  const merged = mergeParts(parts);
  const steps = stepsOf(path);
  if (steps === null) return refused('a path is written like routes[2].slo, services.api or versions["1.0"]');
  const found = resolved(steps, merged.value);
  if (typeof found === 'string') return refused(found);
  return { kind: 'done', setting: settingOf(found, { parts, merged, redact }) };
}

function refused(detail: string): SettingAnswer {
  return { kind: 'refused', detail };
}

/** Steps of a path as people write it; null: it is none. */
export function stepsOf(path: string): Path | null {
  if (path === '' || path.length > PATH_CHARS_MAX) return null;
  const steps: (string | number)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const found = STEP.exec(path);
    if (found === null) return null;
    const [, name, index, quoted, bare] = found;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? bare ?? (quoted as string).replace(/\\(.)/g, '$1'));
  }
  return steps;
}

/** The path with routes by their index; a sentence where it leads nowhere. */
function resolved(steps: Path, whole: unknown): Path | string {
  const [first = '', second, ...rest] = steps;
  const fields = fieldsAt([]);
  const routes = findValue(whole, ['routes']);
  const indexOf = (name: unknown): number =>
    Array.isArray(routes) ? routes.findIndex((route) => isMapping(route) && route['name'] === name) : -1;
  if (!fields.includes(String(first))) {
    const index = indexOf(first);
    const known = `a field (${fields.join(', ')})`;
    return index < 0 ? `${String(first)} is neither ${known} nor a route` : ['routes', index, ...steps.slice(1)];
  }
  if (first !== 'routes' || second === undefined) return steps;
  const index = typeof second === 'number' ? second : indexOf(second);
  if (index < 0) return `there is no route ${second}`;
  const count = Array.isArray(routes) ? routes.length : 0;
  return index < count ? ['routes', index, ...rest] : `there is no routes[${index}]: there are ${count}`;
}

interface Sides {
  readonly parts: readonly Part[];
  readonly merged: Merged;
  readonly redact: (value: unknown) => unknown;
}

function settingOf(path: Path, { parts, merged, redact }: Sides): SettingExplanation {
  const value = shownAt(merged.value, path, redact);
  const isSaid = findValue(merged.value, path) !== undefined;
  const about = descriptionAt(path);
  const [, defaultText = ''] = /(?:^|; )default:? (.+)$/.exec(about) ?? [];
  const main = (parts[0] as Part).document.name;
  const place = isSaid ? placeOf(merged.locator.locate(path, 'key'), path, main) : null;
  const route = routeNameOf(merged.value, path);
  return {
    path: formatPath(path),
    value: isSaid ? value : null,
    origin: isSaid ? 'document' : defaultText === '' ? 'none' : 'default',
    about,
    defaultText,
    place,
    shadowed: shadowsOf(path, { parts, merged, main }),
    weightsFrom: weightsOf(path, merged),
    route,
  };
}

function placeOf({ line, column, piece }: Position, path: Path, main: string): SettingPlace {
  return { file: piece?.name ?? main, line, column, path: formatPath(piece?.path ?? path) };
}

/** The value without its secrets, which fields around it may tell of. */
function shownAt(whole: unknown, path: Path, redact: (value: unknown) => unknown): unknown {
  const depth = path[0] === 'routes' || path[0] === 'services' ? 2 : 1;
  const [head, rest] = [path.slice(0, depth), path.slice(depth)];
  const name = String(head.at(-1) ?? '');
  const shown = redact({ [name]: findValue(whole, head) });
  let value = findValue(shown, [name]);
  for (const step of rest) {
    // What is below a secret is none to show.
    if (typeof value === 'string') return value;
    value = findValue(value, [step]);
  }
  return value;
}

function routeNameOf(whole: unknown, [section, index = -1]: Path): string {
  const route = section === 'routes' ? findValue(whole, ['routes', index]) : null;
  return isMapping(route) && typeof route['name'] === 'string' ? route['name'] : '';
}

type Around = Omit<Sides, 'redact'> & { readonly main: string };

/** Other documents that have the same route, service or section. */
function shadowsOf(path: Path, { parts, merged, main }: Around): SettingPlace[] {
  const [section = '', part] = path;
  const name = section === 'routes' ? routeNameOf(merged.value, path) : String(part ?? '');
  if ((section === 'routes' || section === 'services') && part === undefined) return [];
  const counts = placeOf(merged.locator.locate(path, 'key'), path, main).file;
  return parts.flatMap((one): SettingPlace[] => {
    const base = one.document.name === counts ? null : baseIn(one, String(section), name);
    if (base === null) return [];
    const { line, column } = one.locator.locate(base, 'key');
    return [{ file: one.document.name, line, column, path: formatPath(base) }];
  });
}

/** Where a document has a route, a service or a section; null: it has none. */
function baseIn({ document: { mount }, value }: Part, section: string, name: string): Path | null {
  if (mount.kind === 'route') return section === 'routes' && mount.name === name ? [] : null;
  if (mount.kind === 'service') return section === 'services' && mount.name === name ? [] : null;
  if (mount.kind !== 'main' && mount.kind !== 'root') return null;
  const content = findValue(value, [section]);
  if (content === undefined) return null;
  if (section === 'services') return findValue(content, [name]) === undefined ? null : ['services', name];
  if (section !== 'routes') return [section];
  const index = Array.isArray(content) ? content.findIndex((route) => isMapping(route) && route['name'] === name) : -1;
  return index < 0 ? null : ['routes', index];
}

function weightsOf([section, index]: Path, { weights: all }: Merged): SettingPlace | null {
  const weights = section === 'routes' ? all.find((one) => one.index === index) : undefined;
  if (weights === undefined) return null;
  const { line, column } = weights.part.locator.locate(['weights'], 'key');
  return { file: weights.part.document.name, line, column, path: 'weights' };
}
