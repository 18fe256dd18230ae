/**
 * Path rewrites, for requests on their way upstream and for redirects. Hot path.
 *
 * A prefix is replaced where the rule's own prefix matched, whole segments only; exactly one slash stands between what
 * came and what was there, and the result is never empty. The query is kept.
 *
 * | path | prefix | replacement | becomes |
 * |---|---|---|---|
 * | `/foo/bar` | `/foo` or `/foo/` | `/xyz` or `/xyz/` | `/xyz/bar` |
 * | `/foo` | `/foo` | `/xyz` | `/xyz` |
 * | `/foo/` | `/foo` | `/xyz` | `/xyz/` |
 * | `/foo/bar` | `/foo` | empty or `/` | `/bar` |
 * | `/foo` or `/foo/` | `/foo` | empty or `/` | `/` |
 *
 * Source: Gateway API v1 HTTPPathModifier.
 */

import type { PathRewrite } from '../../model/config.ts';

const SLASH = 47;

/** A compiled rewrite. */
export interface LinkedPathRewrite {
  readonly isPrefix: boolean;
  /** Without a final slash if it replaces a prefix. */
  readonly value: string;
}

/** Compiles a rewrite. */
export function linkPathRewrite({ type, value }: PathRewrite): LinkedPathRewrite {
  const isPrefix = type === 'ReplacePrefixMatch';
  return { isPrefix, value: isPrefix ? value.replace(/\/+$/, '') : value };
}

/**
 * The target to send instead.
 * @param target path and query, the path normalized.
 * @param prefixLength how much of the path the rule's prefix took, without a final slash; the whole path if it is longer.
 */
export function rewriteTarget(rewrite: LinkedPathRewrite, target: string, prefixLength: number): string {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  if (!rewrite.isPrefix) return rewrite.value + query;
  const rewritten = rewrite.value + path.slice(prefixLength);
  // `//b` at the beginning would be read as another host by whoever parses the target as a URL.
  if (rewritten.charCodeAt(1) === SLASH) return `/${rewritten.replace(/^\/+/, '')}${query}`;
  return (rewritten === '' ? '/' : rewritten) + query;
}
