/**
 * Chooses format and encoding of a metrics page by what the scraper accepts.
 *
 * Of the formats that are accepted the one with the highest quality is taken; of equal ones protobuf, then OpenMetrics, then
 * text. Wildcards mean text: the others are given to those alone who name them. Where nothing fits, text is what
 * everybody reads, as RFC 9110 allows.
 * Source: RFC 9110, 12.5.1 and 12.5.3; Prometheus, "Exposition formats" and "Scrape protocol content negotiation".
 */

export type Format = 'text' | 'openMetrics' | 'protobuf';

/** What the scraper said; empty: nothing. */
export interface Asked {
  readonly accept: string;
  readonly acceptEncoding: string;
}

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};

/** In the order in which equal qualities are decided. */
const FORMATS: readonly Format[] = ['protobuf', 'openMetrics', 'text'];
/** More is no scraper's; the rest is not looked at. */
const RANGES_MAX = 32;

interface Range {
  /** In lower case: `type/subtype`, or an encoding. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** The format for an `Accept` field. */
export function formatFor(accept: string): Format {
  const ranges = rangesOf(accept);
  let best: Format = 'text';
  let bestQuality = 0;
  for (const format of FORMATS) {
    const quality = qualityOf(format, ranges);
    if (quality <= bestQuality) continue;
    best = format;
    bestQuality = quality;
  }
  return best;
}

/** Whether an `Accept-Encoding` field allows gzip. */
export function takesGzip(acceptEncoding: string): boolean {
  const ranges = rangesOf(acceptEncoding);
  const range =
    ranges.find(({ name }) => name === 'gzip' || name === 'x-gzip') ?? ranges.find(({ name }) => name === '*');
  return range !== undefined && range.quality > 0;
}

/** Of the most particular range that names the format; 0: none does. */
function qualityOf(format: Format, ranges: readonly Range[]): number {
  const fitting = ranges.filter((range) => fits(format, range));
  if (format !== 'text') return Math.max(0, ...fitting.map(({ quality }) => quality));
  const particular = fitting.find(({ name }) => name === 'text/plain') ?? fitting.find(({ name }) => name === 'text/*');
  return (particular ?? fitting[0])?.quality ?? 0;
}

function fits(format: Format, { name, parameters }: Range): boolean {
  const has = (parameter: string, value: string): boolean => (parameters.get(parameter) ?? value) === value;
  if (format === 'protobuf') {
    if (name !== 'application/vnd.google.protobuf') return false;
    // Other messages and other encodings (text, compact-text) are named by the same type.
    return (
      parameters.get('proto') === 'io.prometheus.client.MetricFamily' && parameters.get('encoding') === 'delimited'
    );
  }
  if (format === 'openMetrics') return name === 'application/openmetrics-text' && has('version', '1.0.0');
  return (name === 'text/plain' && has('version', '0.0.4')) || name === 'text/*' || name === '*/*';
}

function rangesOf(field: string): Range[] {
  return field
    .split(',', RANGES_MAX)
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const [name = '', ...rest] = text.split(';').map((part) => part.trim());
      const parameters = new Map(rest.map((part): [string, string] => parameterOf(part)));
      const quality = Number(parameters.get('q') ?? 1);
      return { name: name.toLowerCase(), parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 };
    });
}

function parameterOf(part: string): [name: string, value: string] {
  const equals = part.indexOf('=');
  if (equals === -1) return [part.toLowerCase(), ''];
  const value = part.slice(equals + 1).trim();
  return [part.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1')];
}
