/**
 * Reads the tags that services have in Consul already: our own, fabio's, Traefik's and those of Nomad's canaries.
 *
 * ```
 * version=v2 color=green                                   ours
 * urlprefix-…[ weight=0.1][ proto=https]                   fabio: a fixed share of the version's requests; what it speaks
 * traefik.enable=false                                     not for gateways
 * traefik.consulcatalog.canary=true                        version canary
 * traefik.http.services.*.loadbalancer.server.port=8080    another port than the registered one
 * traefik.http.services.*.loadbalancer.server.weight=3     its weight; also traefik.weight, traefik.backend.weight
 * traefik.http.services.*.loadbalancer.server.scheme=h2c   what it speaks
 * canary, or what `canaryTags` says                        Nomad's canary_tags: version canary
 * ```
 * Everything else of fabio and Traefik, their routes above all, is not followed, and named in `ignored`.
 * Source: fabio, "Quickstart" and "Config Language"; Traefik, "Consul Catalog"; Nomad, `canary_tags`.
 */

/** What tags say of an instance. */
export interface TagReading {
  readonly version: string | null;
  readonly color: string | null;
  readonly port: number | null;
  readonly weight: number | null;
  readonly share: number | null;
  /** What it speaks, as its tags call it; empty: they do not say. */
  readonly schemes: readonly string[];
  readonly out: string;
  readonly ignored: readonly string[];
}

const CANARY = 'canary';
const FABIO = 'urlprefix-';
const TRAEFIK = 'traefik.';
const SERVER = /^traefik\.http\.services\.[^.]+\.loadbalancer\.server\.(port|weight|scheme)$/;
const WEIGHT_MAX = 1_000_000;
/** Longer ones are none that anybody knows. */
const SCHEME_CHARS_MAX = 16;

interface Draft {
  isCanary: boolean;
  version: string | null;
  color: string | null;
  port: number | null;
  weight: number | null;
  share: number | null;
  out: string;
  readonly schemes: Set<string>;
  /** Traefik's scheme is among them. */
  isNamed: boolean;
  /** Some tag of fabio's leaves it open, which is plain HTTP where nobody says otherwise. */
  isPlain: boolean;
  readonly ignored: Set<string>;
}

/** Reads tags; of several that say the same thing differently, the first counts. */
export function readTags(tags: readonly string[], canaryTags: readonly string[]): TagReading {
  const fresh = { isCanary: false, version: null, color: null, port: null, weight: null, share: null } as const;
  const draft: Draft = { ...fresh, out: '', schemes: new Set(), isPlain: false, isNamed: false, ignored: new Set() };
  for (const tag of tags) {
    if (canaryTags.includes(tag)) draft.isCanary = true;
    if (tag.startsWith(FABIO)) readFabio(tag, draft);
    else if (tag.toLowerCase().startsWith(TRAEFIK)) readTraefik(tag, draft);
    else readOwn(tag, draft);
  }
  const { isCanary, isPlain, isNamed, schemes, ignored, ...said } = draft;
  if (isPlain && !isNamed) schemes.add('http');
  const version = isCanary ? CANARY : said.version;
  return { ...said, version, schemes: [...schemes].toSorted(), ignored: [...ignored].toSorted() };
}

function readOwn(tag: string, draft: Draft): void {
  const [key, value] = halves(tag);
  if (value === '') return;
  if (key === 'version') draft.version ??= value;
  if (key === 'color') draft.color ??= value;
}

/** Each tag is a route with options of its own; the routes are the document's. */
function readFabio(tag: string, draft: Draft): void {
  draft.ignored.add('fabio: host and path of urlprefix-');
  let scheme = '';
  for (const option of tag.split(/\s+/).slice(1)) {
    const [key, value] = halves(option);
    const share = key === 'weight' ? numberOf(value, 1) : null;
    if (share !== null && share > 0) draft.share ??= share;
    else if (key === 'proto') scheme = value.toLowerCase().slice(0, SCHEME_CHARS_MAX);
    else if (key !== '') draft.ignored.add(`fabio: ${key.slice(0, 32)}`);
  }
  if (scheme === '') draft.isPlain = true;
  else draft.schemes.add(scheme);
}

function readTraefik(tag: string, draft: Draft): void {
  const [key, value] = halves(tag);
  const name = key.toLowerCase();
  const [, field] = SERVER.exec(name) ?? [];
  if (name === 'traefik.enable') {
    if (value.toLowerCase() === 'false') draft.out = 'traefik.enable=false';
  } else if (name === 'traefik.consulcatalog.canary') {
    if (value.toLowerCase() === 'true') draft.isCanary = true;
  } else if (field === 'port') draft.port ??= portOf(value);
  else if (field === 'weight' || name === 'traefik.weight' || name === 'traefik.backend.weight') {
    draft.weight ??= numberOf(value, WEIGHT_MAX);
  } else if (field === 'scheme') {
    draft.schemes.add(value.toLowerCase().slice(0, SCHEME_CHARS_MAX));
    draft.isNamed = true;
  } else draft.ignored.add(name.split('.').slice(0, 3).join('.').slice(0, 64));
}

function halves(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function numberOf(text: string, max: number): number | null {
  const number = /^[0-9]+(?:\.[0-9]+)?$|^\.[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  return number >= 0 && number <= max ? number : null;
}

function portOf(text: string): number | null {
  const port = numberOf(text, 65_535);
  return port !== null && Number.isInteger(port) && port > 0 ? port : null;
}
