/**
 * Checks the filters of each route: every type once, none that does nothing, none that contradicts another or itself.
 *
 * Source: Gateway API, validation of HTTPRouteRule and HTTPHeaderFilter; the Fetch standard, "CORS protocol and
 * credentials"; the order in which filters act is in docs/CONFIG.md.
 */

import { mirrorRatioOf } from '../build/filters.ts';
import { buildMatches } from '../build/route.ts';
import type { Path, Report } from '../problems/report.ts';
import { parseOrigin } from '../scalars/origin.ts';
import { FILTER_FIELDS, type FilterType } from '../schema/route/filters.ts';
import type { FilterInput, RouteInput } from '../schema.ts';
import { type Draft, isSound } from './draft.ts';
import { checkUnique } from './lists.ts';
import { resolveVersion } from './references.ts';

/** Filters that could never act on a route that redirects: the answer is given before it is their turn. */
const IDLE_BESIDE_REDIRECT: readonly FilterType[] = ['CORS', 'RequestHeaderModifier', 'URLRewrite', 'RequestMirror'];

/** Reports filters that could not do what they say. */
export function checkFilters(draft: Draft, report: Report): void {
  for (const [index, route] of draft.routes.entries()) {
    if (route === null || isSound(draft, index)) continue;
    const filters = route.filters ?? [];
    checkTypes(filters, ['routes', index, 'filters'], report);
    for (const [filterIndex, filter] of filters.entries()) {
      const path = ['routes', index, 'filters', filterIndex, FILTER_FIELDS[filter.type]];
      checkFilter(filter, { route, path, report }, draft.services);
    }
  }
}

function checkTypes(filters: readonly FilterInput[], path: Path, report: Report): void {
  const redirects = filters.some(({ type }) => type === 'RequestRedirect');
  const seen = new Set<FilterType>();
  for (const [index, { type }] of filters.entries()) {
    const at = [...path, index, 'type'];
    if (seen.has(type)) report.add(at, { kind: 'filterTwice', expected: 'every type of filter once' });
    seen.add(type);
    if (!redirects || !IDLE_BESIDE_REDIRECT.includes(type)) continue;
    const hint = 'a redirect is answered first: put it on a route of its own';
    report.add(at, { kind: 'redirectBeside', expected: 'no such filter beside a redirect', hint });
  }
}

interface Context {
  readonly route: RouteInput;
  /** Of the field that goes with the filter's type. */
  readonly path: Path;
  readonly report: Report;
}

function checkFilter(filter: FilterInput, context: Context, services: Draft['services']): void {
  const { requestHeaderModifier, responseHeaderModifier, urlRewrite, requestRedirect, cors, requestMirror } = filter;
  const modifier = requestHeaderModifier ?? responseHeaderModifier;
  if (modifier !== undefined) checkModifier(modifier, context);
  if (urlRewrite !== undefined) checkRewrite(urlRewrite, context);
  if (requestRedirect !== undefined) checkRedirect(requestRedirect, context);
  if (cors !== undefined) checkCors(cors, context);
  if (requestMirror !== undefined) checkMirror(requestMirror, context, services);
}

type ModifierInput = NonNullable<FilterInput['requestHeaderModifier']>;

function checkModifier({ set = [], add = [], remove = [] }: ModifierInput, { path, report }: Context): void {
  if (set.length + add.length + remove.length === 0) {
    report.add(path, { kind: 'filterEmpty', expected: 'a header to set, add or remove', got: 'none' });
  }
  const removed = new Set(remove.map((name) => name.toLowerCase()));
  for (const [list, fields] of [
    ['set', set],
    ['add', add],
  ] as const) {
    const seen = new Set<string>();
    for (const [index, { name }] of fields.entries()) {
      const key = name.toLowerCase();
      const isRemoved = removed.has(key);
      const expected = isRemoved ? 'a header that is not removed as well' : 'every header of a list once';
      const hint = isRemoved ? 'set replaces what the message has: remove is not needed' : '';
      if (isRemoved || seen.has(key)) {
        report.add([...path, list, index, 'name'], { kind: 'duplicateWritten', expected, hint });
      }
      seen.add(key);
    }
  }
  checkUnique(remove, [...path, 'remove'], report, (name) => name.toLowerCase());
}

type RewriteInput = NonNullable<FilterInput['urlRewrite']>;

function checkRewrite({ hostname, path: modifier }: RewriteInput, context: Context): void {
  if (hostname === undefined && modifier === undefined) {
    const expected = 'a hostname or a path to put in place of the request’s';
    context.report.add(context.path, { kind: 'filterEmpty', expected, got: 'neither' });
  }
  checkPrefix(modifier, context);
}

type RedirectInput = NonNullable<FilterInput['requestRedirect']>;

function checkRedirect(redirect: RedirectInput, context: Context): void {
  const { scheme, hostname, path: modifier, port } = redirect;
  if (scheme === undefined && hostname === undefined && modifier === undefined && port === undefined) {
    const expected = 'a scheme, hostname, path or port other than the request’s';
    const hint = 'it would lead back to itself for ever';
    context.report.add(context.path, { kind: 'filterEmpty', expected, got: 'none', hint });
  }
  checkPrefix(modifier, context);
}

/** A prefix can be replaced only where a prefix matched. */
function checkPrefix(modifier: RewriteInput['path'], { route, path, report }: Context): void {
  if (modifier?.type !== 'ReplacePrefixMatch') return;
  if (buildMatches(route).every((match) => match.path.type === 'PathPrefix')) return;
  const expected = 'ReplaceFullPath, or a route whose matches are all PathPrefix';
  report.add([...path, 'path', 'type'], { kind: 'prefixNeeded', expected });
}

type CorsInput = NonNullable<FilterInput['cors']>;

const CORS_LISTS = ['allowOrigins', 'allowMethods', 'allowHeaders', 'exposeHeaders'] as const;

function checkCors(cors: CorsInput, { path, report }: Context): void {
  for (const field of CORS_LISTS) {
    const list: readonly string[] = cors[field] ?? [];
    const isOfNames = field === 'allowHeaders' || field === 'exposeHeaders';
    checkUnique(list, [...path, field], report, (entry) => {
      if (field === 'allowOrigins') return parseOrigin(entry);
      return isOfNames ? entry.toLowerCase() : entry;
    });
    const at = list.indexOf('*');
    if (at < 0) continue;
    if (cors.allowCredentials === true) {
      const hint = 'browsers refuse it: name what is allowed, or leave allowCredentials out';
      report.add([...path, field, at], { kind: 'corsCredentials', expected: 'no * with allowCredentials', hint });
    } else if (list.length > 1 && !isOfNames) {
      // Of header names * leaves Authorization out, so that the two may stand together.
      report.add([...path, field, at], { kind: 'corsWildcard', expected: '* alone, or names without it' });
    }
  }
}

type MirrorInput = NonNullable<FilterInput['requestMirror']>;

function checkMirror(mirror: MirrorInput, { path, report }: Context, services: Draft['services']): void {
  const { percent, fraction } = mirror;
  if (percent !== undefined && fraction !== undefined) {
    report.add([...path, 'fraction'], { kind: 'mirrorShare', expected: 'percent or fraction, not both' }, 'key');
  } else if (mirrorRatioOf(mirror) > 1) {
    const expected = `a numerator of at most ${fraction?.denominator ?? 100}`;
    report.add([...path, 'fraction', 'numerator'], { kind: 'mirrorShare', expected });
  }
  resolveVersion(mirror.backendRef, [...path, 'backendRef'], services, report);
  checkUnique(mirror.compare?.ignoreHeaders ?? [], [...path, 'compare', 'ignoreHeaders'], report, (name) =>
    name.toLowerCase(),
  );
}
