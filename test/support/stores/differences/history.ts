/**
 * Random histories of documents in a source, of one configuration: routes and services come, change, go and come back.
 */

import type { Random } from '#src/lib/random.ts';
import { byPieceName, type Piece } from '#src/sources/follow/source.ts';

const ROUTES = 12;
const SERVICES = 5;

export class History {
  readonly #random: Random;
  readonly #pieces = new Map<string, Piece>();

  constructor(random: Random) {
    this.#random = random;
    for (let n = 0; n < SERVICES; n++) this.#putService(`s${n}`);
    for (let n = 0; n < ROUTES / 2; n++) this.#putRoute(`r${n}`);
  }

  /** Everything, in the order of the names. */
  get pieces(): readonly Piece[] {
    return [...this.#pieces.values()].toSorted(byPieceName);
  }

  /** One to three things happen; now and then something that makes the configuration wrong, until it is mended. */
  step(): void {
    for (let edits = 1 + this.#below(3); edits > 0; edits--) this.#edit();
  }

  #edit(): void {
    const deed = this.#below(20);
    if (deed < 11) this.#putRoute(`r${this.#below(ROUTES)}`);
    else if (deed < 14) this.#pieces.delete(`m routes/r${this.#below(ROUTES)}`);
    else if (deed < 18) this.#putService(`s${this.#below(SERVICES)}`);
    else if (deed === 18) this.#pieces.delete(`m services/s${this.#below(SERVICES)}`);
    else
      this.#put(
        'config',
        { kind: 'root' },
        this.#one(['limits: {headBytesMax: 32KiB}', 'color: {header: x-c}', 'drain: {delay: 1s}']),
      );
  }

  #putRoute(name: string): void {
    const hosts = this.#one([
      '',
      'hostnames: [a.test]\n',
      'hostnames: [a.test, "*.b.test"]\n',
      'hostnames: ["*.b.test"]\n',
    ]);
    const matches = Array.from({ length: 1 + this.#below(2) }, () => `  - {${this.#match()}}`).join('\n');
    const rest = this.#one([
      '',
      '',
      '',
      'timeouts: {request: 3s}\n',
      'sticky: {header: X-User}\n',
      MIRROR,
      FILTER,
      ROLLOUT,
      REDIRECT,
      FALLBACK,
      'idempotency: {}\n',
    ]);
    const refs = rest === ROLLOUT ? TWO_ARMS : `backendRefs: [${this.#ref()}]\n`;
    const text = `${hosts}matches:\n${matches}\n${rest === REDIRECT ? '' : refs}${rest}`;
    this.#put(`routes/${name}`, { kind: 'route', name }, text);
  }

  #match(): string {
    const path = this.#one(['/', '/a', '/a/b', '/a/b/c', '/x']);
    const type = this.#one(['PathPrefix', 'PathPrefix', 'Exact', 'RegularExpression']);
    const value = type === 'RegularExpression' ? `${path}.*` : path;
    const extra = this.#one([
      '',
      '',
      ', method: GET',
      ', headers: [{name: X-One, value: "1"}]',
      ', queryParams: [{name: q, value: "1"}]',
      ', queryParams: [{name: p, value: "1"}], headers: [{name: X-Two, value: "2"}]',
    ]);
    return `path: {type: ${type}, value: "${value}"}${extra}`;
  }

  #ref(): string {
    return `{name: s${this.#below(SERVICES)}, version: v1, weight: ${this.#below(3) + 1}}`;
  }

  #putService(name: string): void {
    const endpoints = (): string => {
      const ports = new Set(Array.from({ length: 1 + this.#below(3) }, () => 7000 + this.#below(8)));
      return [...ports].map((port) => `"127.0.0.1:${port}"`).join(', ');
    };
    const slo = this.#one(['', 'slo: {availability: 0.99, latency: {threshold: 200ms, target: 0.9}}\n']);
    const balancer = this.#one(['', 'balancer: roundRobin\n', 'balancer: consistentHash\n', 'overload: {limit: 5}\n']);
    const text = `versions: {v1: {endpoints: [${endpoints()}]}, v2: {endpoints: [${endpoints()}]}}\n${slo}${balancer}`;
    this.#put(`services/${name}`, { kind: 'service', name }, text);
  }

  #put(key: string, mount: Piece['mount'], text: string): void {
    this.#pieces.set(`m ${key}`, { name: `m ${key}`, mount, text });
  }

  #below(count: number): number {
    return Math.floor(this.#random.nextFloat() * count);
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)] as T;
  }
}

const MIRROR = 'filters: [{type: RequestMirror, requestMirror: {backendRef: {name: s0, version: v2}, percent: 10}}]\n';
const FILTER = 'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Set, value: y}]}}]\n';
const FALLBACK =
  'fallback: [{type: Service, service: {name: s0, version: v2}}, {type: Static, static: {status: 503}}]\n';
const REDIRECT =
  'filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /a}}}]\n';
const ROLLOUT = 'slo: {availability: 0.999}\nrollout: {stable: v1, canary: v2}\n';
const TWO_ARMS = 'backendRefs: [{name: s1, version: v1, weight: 9}, {name: s1, version: v2, weight: 1}]\n';
