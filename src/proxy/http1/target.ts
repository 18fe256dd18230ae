/**
 * Request targets and authorities: what is matched is what is forwarded.
 *
 * The path is normalized before routing (unreserved `%XX` decoded, other `%xx` upper-cased, dot segments removed), and
 * the normalized path is sent on, so that the gateway and the upstream cannot read two different paths. A path that
 * would hide a dot segment behind an encoded slash or a backslash is refused. What is left that some upstreams fold
 * further (`//`, `;params`, `%2F`, `%3B`, `%5C`, `%25XX`) is forwarded as it came, and only if every such reading takes the same
 * route (decide/readings.ts).
 * Source: RFC 3986 sections 2.3, 5.2.4, 6.2.2; RFC 9112 section 3.2.
 */

const UNRESERVED = /[A-Za-z0-9\-._~]/;
/** What an escape becomes, by its number. */
const DECODED: readonly string[] = Array.from({ length: 256 }, (_, number) => {
  const char = String.fromCharCode(number);
  return UNRESERVED.test(char) ? char : `%${number.toString(16).toUpperCase().padStart(2, '0')}`;
});
const AMBIGUOUS = /\/\/|;|%2F|%3B|%5C|%25[0-9A-Fa-f]{2}/;

/** Does a normalized path hold what some upstreams fold further: `//`, `;params`, `%2F`, `%5C`, a double encoding? */
export function isAmbiguous(path: string): boolean {
  return AMBIGUOUS.test(path);
}

/** Was the path, but for the case of `%XX`, in its only form already? `normal` is what `normalizePath` made of it. */
export function isStrict(path: string, normal: string): boolean {
  const cased = path.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());
  return cased === normal && !isAmbiguous(normal);
}

/** Normalized path, or null when it must be refused. Only for paths with `%`, `\`, `;`, `//` or a segment that starts with a dot. */
export function normalizePath(path: string): string | null {
  if (path.includes('\\')) return null;
  const decoded = decodeUnreserved(path);
  if (decoded === null || hidesDotSegment(decoded)) return null;
  return removeDotSegments(decoded);
}

/** Decodes `%XX` of unreserved characters and upper-cases the rest; null on `%` without two digits or on `%00`. */
function decodeUnreserved(path: string): string | null {
  let decoded = '';
  let from = 0;
  for (let at = path.indexOf('%'); at >= 0; at = path.indexOf('%', from)) {
    const number = 16 * digitOf(path.charCodeAt(at + 1)) + digitOf(path.charCodeAt(at + 2));
    if (!(number > 0)) return null;
    decoded += path.slice(from, at) + (DECODED[number] as string);
    from = at + 3;
  }
  return from === 0 ? path : decoded + path.slice(from);
}

/** Value of a hexadecimal digit; not a number for anything else. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const upper = code & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : Number.NaN;
}

const DISGUISE = /;|%2F|%3B|%5C/;

/** True if an upstream that decodes `%2F`, `%3B`, `%5C` or strips `;params` would see `.` or `..` segments we do not. */
function hidesDotSegment(path: string): boolean {
  if (!DISGUISE.test(path)) return false;
  const unfolded = path
    .replace(/%2F|%5C/g, '/')
    .replaceAll('%3B', ';')
    .split('/');
  const seenByOthers = unfolded.filter((segment) => isDots(segment.replace(/;.*$/, ''))).length;
  return seenByOthers > path.split('/').filter(isDots).length;
}

function isDots(segment: string): boolean {
  return segment === '.' || segment === '..';
}

function removeDotSegments(path: string): string {
  const out: string[] = [];
  const segments = path.split('/');
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string;
    const isLast = i === segments.length - 1;
    if (segment === '..') out.pop();
    if (isDots(segment)) {
      if (isLast) out.push('');
    } else out.push(segment);
  }
  return `/${out.join('/')}`;
}

/** The host part, lower-case and without port and final dot, of a `Host` value; null when it is not a valid authority. */
export function hostOf(authority: string): string | null {
  const match = /^(?:([A-Za-z0-9\-._~]{1,253})|(\[[0-9A-Fa-f:.]{2,45}\]))(?::(\d{0,5}))?$/.exec(authority);
  if (match === null || Number(match[3] ?? 0) > 65_535) return null;
  const host = (match[1] ?? match[2] ?? '').toLowerCase();
  return host.length > 1 && host.endsWith('.') ? host.slice(0, -1) : host;
}

/** An absolute-form target cut in two; null when it is not `http://authority/path`. */
export function splitAbsolute(target: string): { authority: string; rest: string } | null {
  const match = /^https?:\/\/([^/?]+)(.*)$/i.exec(target);
  if (match === null) return null;
  const rest = match[2] as string;
  return { authority: match[1] as string, rest: rest.startsWith('/') ? rest : `/${rest}` };
}
