/**
 * Writes pages as text: Prometheus' format 0.0.4, and OpenMetrics 1.0 with units and exemplars.
 *
 * OpenMetrics differs in the names of families (counters without `_total`, infos without `_info`), in numbers of `le`, which
 * always have a point, and in its last line, `# EOF`. There are no `_created` samples: they would double the series of
 * counters, and Prometheus takes them for series of their own.
 * Source: Prometheus, "Exposition formats"; OpenMetrics 1.0.
 */

import type { Bucket, Exemplar, Family, HistogramValue, Labels, Sample } from '../family.ts';
import { openMetricsName, unitOf } from './names.ts';
import type { PageWriter } from './writer.ts';

const NONE: Labels = {};
const UNSAFE_IN_LABEL = /[\\"\n]/;

/** A page of text. */
export class TextWriter implements PageWriter {
  readonly #isOpenMetrics: boolean;
  #text = '';
  #name = '';
  /** How labels are written that many samples share. */
  readonly #shared = new WeakMap<Labels, string>();

  constructor(isOpenMetrics: boolean) {
    this.#isOpenMetrics = isOpenMetrics;
  }

  get waitingBytes(): number {
    return this.#text.length;
  }

  begin(family: Pick<Family, 'name' | 'help' | 'type'>): void {
    this.#name = family.name;
    if (this.#isOpenMetrics) this.#beginOpenMetrics(family);
    else {
      const type = family.type === 'info' ? 'gauge' : family.type;
      this.#text += `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${type}\n`;
    }
  }

  #beginOpenMetrics(family: Pick<Family, 'name' | 'help' | 'type'>): void {
    const name = openMetricsName(family);
    const unit = unitOf(family.name);
    this.#text += `# TYPE ${name} ${family.type}\n`;
    if (unit !== '') this.#text += `# UNIT ${name} ${unit}\n`;
    this.#text += `# HELP ${name} ${escapeLabel(family.help)}\n`;
  }

  sample({ labels, shared = NONE, value }: Sample): void {
    const text = this.#labels(labels, shared);
    if (typeof value === 'number') this.#line('', text, numberOf(value));
    else this.#histogram(text, value);
  }

  #histogram(labels: string, { buckets, sum }: HistogramValue): void {
    const comma = labels === '' ? '' : ',';
    for (const bucket of buckets) {
      const le = `le="${this.#isOpenMetrics ? floatOf(bucket.le) : numberOf(bucket.le)}"`;
      this.#line('_bucket', `${labels}${comma}${le}`, numberOf(bucket.count) + this.#exemplar(bucket));
    }
    this.#line('_sum', labels, numberOf(sum));
    this.#line('_count', labels, numberOf(buckets.at(-1)?.count ?? 0));
  }

  #exemplar({ exemplar }: Bucket): string {
    return exemplar === undefined || !this.#isOpenMetrics ? '' : exemplarOf(exemplar);
  }

  #line(suffix: string, labels: string, value: string): void {
    this.#text += labels === '' ? `${this.#name}${suffix} ${value}\n` : `${this.#name}${suffix}{${labels}} ${value}\n`;
  }

  #labels(labels: Labels, shared: Labels): string {
    let sharedText = this.#shared.get(shared);
    if (sharedText === undefined) {
      sharedText = textOf(shared);
      this.#shared.set(shared, sharedText);
    }
    const own = textOf(labels);
    if (own === '') return sharedText;
    return sharedText === '' ? own : `${own},${sharedText}`;
  }

  end(): void {
    // A family ends where the next one begins.
  }

  close(): void {
    if (this.#isOpenMetrics) this.#text += '# EOF\n';
  }

  take(): Buffer[] {
    if (this.#text === '') return [];
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    return [bytes];
  }
}

function textOf(labels: Labels): string {
  let text = '';
  for (const name in labels) {
    const value = labels[name] as string | number;
    text += `${text === '' ? '' : ','}${name}="${typeof value === 'number' ? value : escapeLabel(value)}"`;
  }
  return text;
}

function escapeLabel(value: string): string {
  return UNSAFE_IN_LABEL.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** As OpenMetrics wants bounds: 1 is 1.0. */
function floatOf(value: number): string {
  const text = numberOf(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

function exemplarOf({ label, id, value, atSeconds }: Exemplar): string {
  return ` # {${label}="${escapeLabel(id)}"} ${numberOf(value)} ${atSeconds.toFixed(3)}`;
}
