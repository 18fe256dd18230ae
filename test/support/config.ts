/**
 * Configuration documents for tests: a sound one, marked ones, and what reading them gives.
 */

import assert from 'node:assert/strict';
import type { Config, RouteConfig } from '#src/model/config.ts';
import { formatProblem, type Problem } from '#src/model/problem.ts';
import { parseConfig } from '#src/sources/parse.ts';

/** A sound document, with one service of two versions and one route. */
export const SOUND = `services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:7001"]}
      v2: {endpoints: ["127.0.0.1:7002"]}
routes:
  - name: shop
    backendRefs:
      - {name: shop, version: v1, weight: 95}
      - {name: shop, version: v2, weight: 5}
`;

/** The route of `SOUND` under a rollout, as text to go on with. */
export const SOUND_ROLLOUT = `${SOUND}    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2}
`;

/** The same, whose rollout spans two further routes: `cart` with a version of another service beside, and `pay`. */
export const SOUND_SEVERAL = `${SOUND_ROLLOUT.replace('canary: v2', 'canary: v2, routes: [pay, cart]').replace(
  'routes:',
  '  other: {versions: {v3: {endpoints: ["127.0.0.1:7003"]}}}\nroutes:',
)}  - name: cart
    hostnames: [cart.test]
    backendRefs: [{name: shop, version: v2, weight: 1}, {name: other, weight: 5}, {name: shop, version: v1, weight: 19}]
  - name: pay
    hostnames: [pay.test]
    slo: {availability: 0.99}
    backendRefs: [{name: shop, version: v1, weight: 950}, {name: shop, version: v2, weight: 50}]
`;

/** A document with `«` at the place of its problem: the text without the mark, and the place, 1-based. */
export function marked(text: string): { readonly text: string; readonly line: number; readonly column: number } {
  const at = text.indexOf('«');
  assert.ok(at >= 0 && at === text.lastIndexOf('«'), `not one mark: ${text}`);
  const before = text.slice(0, at).split('\n');
  return { text: text.replace('«', ''), line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** The configuration of a document that must be sound. */
export function configOf(text: string, environment: Record<string, string> = {}): Config {
  const result = parseConfig(text, 'test.yaml', environment);
  if (!result.ok) assert.fail(result.problems.map(formatProblem).join('\n'));
  return result.config;
}

/** The problems of a document that must be refused. */
export function problemsOf(text: string, environment: Record<string, string> = {}): readonly Problem[] {
  const result = parseConfig(text, 'test.yaml', environment);
  assert.ok(!result.ok, `accepted: ${text}`);
  return result.problems;
}

/** The warnings of a document that must be accepted. */
export function warningsOf(text: string): readonly Problem[] {
  const result = parseConfig(text, 'test.yaml', {});
  if (!result.ok) assert.fail(result.problems.map(formatProblem).join('\n'));
  return result.warnings;
}

/** Asserts that a marked document has exactly one problem: this code at the mark, with this hint. */
export function assertProblem(document: string, code: string, hint: string | RegExp): void {
  const { text, line, column } = marked(document);
  const problems = problemsOf(text);
  const [problem, ...others] = problems;
  assert.ok(problem !== undefined && others.length === 0, problems.map(formatProblem).join('\n'));
  const shown = formatProblem(problem);
  assert.deepEqual([problem.code, problem.line, problem.column], [code, line, column], shown);
  if (typeof hint === 'string') assert.equal(problem.hint, hint, shown);
  else assert.match(problem.hint, hint, shown);
}

/** `count` routes that lead to one service. */
export function manyRoutes(count: number): Config {
  const config = configOf(SOUND);
  const [route] = config.routes as readonly [RouteConfig];
  return {
    ...config,
    routes: Array.from({ length: count }, (_, n) => ({ ...route, name: `r${n}`, hostnames: [`h${n}`] })),
  };
}

/** The same with another route in one place; all others are the same objects. */
export function withRoute(config: Config, index: number): Config {
  const route = config.routes[index] as RouteConfig;
  return { ...config, routes: config.routes.with(index, { ...route, requestTimeoutMs: route.requestTimeoutMs + 1 }) };
}
