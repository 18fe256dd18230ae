/** Documents of a configuration that a test changes one by one, parsed both ways: as what became of those before, and as a whole. */
import assert from 'node:assert/strict';
import { mainDocument, type SourceDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';
import { Renewal } from '#src/sources/follow/renewal.ts';
import { parseDocuments } from '#src/sources/parse.ts';

/** Routes `r00`, `r01` … and the services `s0`, `s1` … that they refer to in turn, each a document of a source. */
export const ROUTES = 12;
export const SERVICES = 3;
const MAIN = mainDocument('sources: [{directory: {path: /none}}]\n', 'main.yaml');

/** What a whole document may say beside routes and services; these have a say in some of it. */
export const SECTIONS: readonly string[] = [
  'drain: {delay: 2s}\n',
  'timeouts: {idle: 7s}\n',
  'http: {serverTiming: true}\n',
  'revisions: {keep: 3}\n',
  'accessLog: {sample: 0.5}\n',
  'tracing: {sample: 0.5}\nworkers: 3\n',
  'listeners: [127.0.0.1:8443]\nadminToken: 0123456789abcdef0123456789abcdef\n',
  'saturation: {delay: 1s}\nstate: {directory: /var/lib/none}\n',
  'limits: {headerCountMax: 99}\n',
  'idempotency: {bytesMax: 2MiB}\n',
  'business: {target: 0.99}\n',
  'fleet: {name: shops, redis: {address: "redis://127.0.0.1:6379"}}\n',
  'listen: 127.0.0.1:8080\nadmin: 127.0.0.1:8080\n',
  'overload: {priorityHeader: x-priority}\n',
  'trustedProxies: [10.0.0.0/8]\n',
  'nonsense: 1\n',
  'drain: {delay: -1s}\n',
  'routes: [{name: m, matches: [{path: {value: /m}}], backendRefs: [{name: s1, version: v1}]}]\n',
  'services: {own: {versions: {v1: {endpoints: ["127.0.0.1:1"]}}}}\n',
];

/** The documents as they are now. */
export class Documents {
  readonly #texts = new Map<string, SourceDocument>();
  #main = MAIN;

  constructor() {
    for (let n = 0; n < SERVICES; n++) this.service(n, 7000 + n);
    for (let n = 0; n < ROUTES; n++) this.route(n, `/r${n}`);
  }

  get all(): SourceDocument[] {
    const sorted = [...this.#texts.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return [this.#main, ...sorted];
  }

  /** What the main document says beside its source. */
  main(more: string): void {
    this.#main = mainDocument(`${MAIN.text}${more}`, MAIN.name);
  }

  route(n: number, path: string, more = '', refs = `{name: s${n % SERVICES}, version: v1}`): void {
    const name = `r${String(n).padStart(2, '0')}`;
    this.put(
      `routes/${name}`,
      { kind: 'route', name },
      `matches: [{path: {value: ${path}}}]\nbackendRefs: [${refs}]\n${more}`,
    );
  }

  service(n: number, port: number, more = '', versions = ''): void {
    const own = `v1: {endpoints: ["127.0.0.1:${port}"]}, v2: {endpoints: ["127.0.0.1:${port + 100}"]}`;
    this.put(`services/s${n}`, { kind: 'service', name: `s${n}` }, `versions: {${own}${versions}}\n${more}`);
  }

  put(name: string, mount: SourceDocument['mount'], text: string): void {
    this.#texts.set(name, { name, mount, text, source: 1, isForeign: true });
  }

  drop(name: string): void {
    this.#texts.delete(name);
  }
}

/** Parses both ways, to the same result. @returns whether few alone were parsed */
export function take(renewal: Renewal, documents: Documents, label: string): boolean {
  const { all } = documents;
  assert.deepEqual(renewal.parse(all), parseDocuments(structuredClone(all), createPartReader({}).read), label);
  return renewal.hasRenewed;
}

/** Documents that were parsed once. @returns also what parses them again, and says whether few alone were */
export function rig(): { readonly documents: Documents; readonly take: () => boolean } {
  const [documents, renewal] = [new Documents(), new Renewal(createPartReader({}))];
  take(renewal, documents, 'the first');
  return { documents, take: () => take(renewal, documents, 'the next') };
}
