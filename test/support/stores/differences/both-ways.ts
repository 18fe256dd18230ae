/**
 * The way of a configuration from its documents to a worker's table, twice: by differences, and all of it anew each time.
 */

import assert from 'node:assert/strict';
import { Random } from '#src/lib/random.ts';
import { versionCells } from '#src/model/overload.ts';
import type { Snapshot } from '#src/model/snapshot.ts';
import { ENDPOINTS_MAX } from '#src/model/tallies.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import { Admissions } from '#src/proxy/decide/admission/admissions.ts';
import { Breakers } from '#src/proxy/decide/breaker/breakers.ts';
import { changedSnapshot, changeOf } from '#src/proxy/decide/link/replica.ts';
import { type LinkedRoute, linkTable, type RouteTable } from '#src/proxy/decide/table.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { type Compiled, compile, type Memory } from '#src/snapshot/compile.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { fingerprint, hashConfig } from '#src/snapshot/hash.ts';
import { type LiveIds, NO_IDS } from '#src/snapshot/live.ts';
import { mainDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';
import { withSame } from '#src/sources/follow/guard.ts';
import { Renewal } from '#src/sources/follow/renewal.ts';
import type { Piece } from '#src/sources/follow/source.ts';
import { type Parsed, parseDocuments } from '#src/sources/parse.ts';
import { readHead } from '../../proxy/parts.ts';

const MAIN = mainDocument('sources: [{directory: {path: /none}}]\n', 'main.yaml');
const REQUESTS = requests();

/** What came of one set of documents. */
export type Outcome = 'refused' | 'unchanged' | 'swapped';

export class BothWays {
  readonly #renewal = new Renewal(createPartReader({}));
  readonly #documents = new WeakMap<Piece, ReturnType<typeof documentOf>>();
  readonly #admissions = new Admissions(new Int32Array(1 << 20), createStandings());
  readonly #breakers = new Breakers(new Int32Array(1 << 20));
  readonly #endpoints = new Map<string, Endpoint>();
  #pieces: readonly Piece[] = [];
  #hash = '';
  #ids: LiveIds = NO_IDS;
  #memory: Memory | null = null;
  #sent: Snapshot | null = null;
  #held: Snapshot | null = null;
  #table: RouteTable | null = null;
  revision = 0;
  /** Routes whose linked objects were taken over. */
  kept = 0;

  /** Takes in what a source holds now. @throws AssertionError where the two ways do not agree */
  take(listed: readonly Piece[], label: string): Outcome {
    this.#pieces = withSame(this.#pieces, listed);
    const parsed = this.#parse(label);
    if (!parsed.ok) return 'refused';
    const hash = hashConfig(parsed.config);
    assert.equal(hash, hashConfig(structuredClone(parsed.config)), `${label}: the hash of what is known`);
    if (hash === this.#hash) return 'unchanged';
    this.#hash = hash;
    this.revision += 1;
    const compiled = this.#compile(parsed.config, label);
    this.#send(compiled.snapshot, label);
    this.#link(label);
    return 'swapped';
  }

  #parse(label: string): Parsed {
    const documents = [MAIN, ...this.#pieces.map((piece) => this.#documentOf(piece))];
    const parsed = this.#renewal.parse(documents);
    const whole = parseDocuments(structuredClone(documents), createPartReader({}).read);
    assert.deepEqual(parsed, whole, `${label}: the configuration`);
    return parsed;
  }

  #documentOf(piece: Piece): ReturnType<typeof documentOf> {
    const document = this.#documents.get(piece) ?? documentOf(piece);
    this.#documents.set(piece, document);
    return document;
  }

  #compile(config: Extract<Parsed, { ok: true }>['config'], label: string): Compiled {
    const input = { config, hash: this.#hash, revision: this.revision, overrides: [], ids: this.#ids, mayRecycle };
    const { memory: _, ...whole } = compile({ ...input, config: structuredClone(config) });
    const compiled = compile({ ...input, before: this.#memory });
    const { memory, ...changed } = compiled;
    assert.deepEqual(changed, whole, `${label}: what is compiled`);
    assert.equal(fingerprint(changed.snapshot), fingerprint(whole.snapshot), `${label}: the hash of the snapshot`);
    this.#ids = compiled.ids;
    this.#memory = memory;
    return compiled;
  }

  #send(snapshot: Snapshot, label: string): void {
    const before = this.#sent;
    this.#sent = snapshot;
    if (before === null || this.#held === null) this.#held = structuredClone(snapshot);
    else {
      const change = structuredClone(changeOf(before, snapshot));
      assert.equal(changedSnapshot({ ...this.#held, revision: 0 }, change), null, 'a change of another snapshot');
      this.#held = changedSnapshot(this.#held, change);
    }
    assert.deepEqual(this.#held, snapshot, `${label}: the snapshot of the worker`);
  }

  #link(label: string): void {
    const snapshot = this.#held as Snapshot;
    const before = this.#table;
    const cells = versionCells(snapshot.routes);
    const versions = { admissions: this.#admissions.link(cells, 0), breakers: this.#breakers.link(cells) };
    this.#table = linkTable(snapshot, (id) => this.#endpointOf(snapshot, id), balance(), { versions, before });
    const copy = structuredClone(snapshot);
    const whole = linkTable(copy, (id) => this.#endpointOf(copy, id), balance());
    const known = new Set(before?.links.routes);
    this.kept += this.#table.links.routes.filter((route) => known.has(route)).length;
    for (const text of REQUESTS) {
      const found = decisionOf(this.#table, text);
      assert.equal(found, decisionOf(whole, text), `${label}: ${JSON.stringify(text)}`);
    }
  }

  #endpointOf(snapshot: Snapshot, id: number): Endpoint {
    const spec = snapshot.endpoints[id];
    assert.ok(spec, `there is no endpoint ${id}`);
    const key = `${spec.id} ${spec.host} ${spec.port}`;
    const endpoint = this.#endpoints.get(key) ?? new Endpoint(spec.id, spec.host, spec.port);
    this.#endpoints.set(key, endpoint);
    return endpoint;
  }
}

function documentOf({ name, mount, text }: Piece) {
  return { name, mount, text, source: 1, isForeign: true };
}

function mayRecycle(): never {
  throw new Error(`${ENDPOINTS_MAX} endpoints cannot be used up here`);
}

function balance() {
  return { capacities: createEndpointDials(), random: new Random(1) };
}

/** Everything that the table says of a request, but whom chance would choose. */
function decisionOf(table: RouteTable, text: string): string {
  const head = readHead(table, text);
  const rule = table.router.match(head, head.path, head.method);
  if (rule === null) return 'none';
  const { route, prefixLength } = rule;
  return JSON.stringify([prefixLength, table.timeouts, table.limits, sayings(route)]);
}

function sayings(route: LinkedRoute): unknown {
  const { name, cell, splits, stickyField, slowMs, serviceSlowMs, requestTimeoutMs, retry, mirror, filters } = route;
  const addresses = (endpoints: readonly Endpoint[]) => endpoints.map(({ host, port, id }) => [host, port, id]);
  return {
    ...{ name, cell, slowMs, serviceSlowMs, requestTimeoutMs, retry, hasSticky: stickyField > 0 },
    splits: splits.map(({ version, dial, unit, seed, targets, serviceSlowMs: slow, rescuer }) => {
      return [
        version,
        dial,
        unit,
        seed,
        slow,
        rescuer?.version,
        targets.constructor.name,
        addresses(targets.endpoints),
      ];
    }),
    mirror: mirror && [mirror.ratio, addresses(mirror.endpoints)],
    lines: filters?.requestHeaders?.lines,
    redirects: (filters?.redirect ?? null) !== null,
  };
}

function requests(): string[] {
  const texts: string[] = [];
  for (const host of ['a.test', 'x.b.test', 'c.test']) {
    for (const path of ['/', '/a', '/a/b', '/a/b/c', '/a/bb', '/x', '/xyz']) {
      for (const query of ['', '?q=1', '?p=1&q=2']) {
        for (const headers of ['', 'X-One: 1\r\n', 'X-Two: 2\r\n']) {
          for (const method of ['GET', 'POST']) {
            texts.push(`${method} ${path}${query} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`);
          }
        }
      }
    }
  }
  return texts;
}
