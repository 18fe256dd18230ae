/**
 * Writes pages as text: Prometheus' format 0.0.4, and OpenMetrics 1.0 with units and exemplars. Hot path of a page.
 *
 * OpenMetrics differs in the names of families (counters without `_total`, infos without `_info`), in numbers of `le`, which
 * always have a point, and in its last line, `# EOF`. There are no `_created` samples: they would double the series of
 * counters, and Prometheus takes them for series of their own.
 *
 * Lines are put together in one buffer that is used again and again, from bytes that are there already: the name, the labels
 * (`labels.ts`), the digits. Cost: a sample whose number is whole allocates nothing.
 * Source: Prometheus, "Exposition formats"; OpenMetrics 1.0.
 */

import { latin1Of, putLatin1 } from '../../../lib/latin1.ts';
import type { Exemplar, FamilyHead, HistogramValue, Labels } from '../../family.ts';
import type { LabelSet } from '../labels.ts';
import { NUMBER_BYTES_MAX, numberOf, putNumber } from './decimals.ts';
import { openMetricsName, unitOf } from './names.ts';
import { type PageWriter, PIECE_BYTES } from './writer.ts';

const UNSAFE_IN_LABEL = /[\\"\n]/;
/** Punctuation of a line: braces, commas, the space, the line feed. */
const MARKS_MAX = 8;
const [OPEN, CLOSE, COMMA, SPACE, LINE_FEED] = [0x7b, 0x7d, 0x2c, 0x20, 0x0a] as const;

/** A page of text. */
export class TextWriter implements PageWriter {
  readonly #isOpenMetrics: boolean;
  /** Grows when a line is longer than a piece. */
  #bytes = Buffer.allocUnsafe(2 * PIECE_BYTES);
  #end = 0;
  #name = '';
  /** Last label of the buckets of a histogram; empty: the line is of none. */
  #le = '';

  constructor(isOpenMetrics: boolean) {
    this.#isOpenMetrics = isOpenMetrics;
  }

  get waitingBytes(): number {
    return this.#end;
  }

  begin(family: FamilyHead): void {
    this.#name = family.name;
    if (this.#isOpenMetrics) this.#beginOpenMetrics(family);
    else {
      const type = family.type === 'info' ? 'gauge' : family.type;
      this.#put(`# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${type}\n`);
    }
  }

  #beginOpenMetrics(family: FamilyHead): void {
    const name = openMetricsName(family);
    const unit = unitOf(family.name);
    this.#put(`# TYPE ${name} ${family.type}\n`);
    if (unit !== '') this.#put(`# UNIT ${name} ${unit}\n`);
    this.#put(`# HELP ${name} ${escapeLabel(family.help)}\n`);
  }

  add(labels: LabelSet, shared: LabelSet, value: number | HistogramValue): void {
    const own = (labels.text ??= textOf(labels.pairs));
    const rest = (shared.text ??= textOf(shared.pairs));
    if (typeof value === 'number') this.#line('', own, rest, value);
    else this.#histogram(own, rest, value);
  }

  #histogram(own: string, shared: string, { buckets, sum }: HistogramValue): void {
    let count = 0;
    for (const bucket of buckets) {
      count = bucket.count;
      this.#le = `le="${this.#isOpenMetrics ? floatOf(bucket.le) : numberOf(bucket.le)}"`;
      this.#line('_bucket', own, shared, count);
      if (bucket.exemplar !== undefined && this.#isOpenMetrics) this.#exemplar(bucket.exemplar);
    }
    this.#le = '';
    this.#line('_sum', own, shared, sum);
    this.#line('_count', own, shared, count);
  }

  /** Stands at the end of the line before. */
  #exemplar(exemplar: Exemplar): void {
    this.#end -= 1;
    this.#put(`${exemplarOf(exemplar)}\n`);
  }

  #line(suffix: string, own: string, shared: string, value: number): void {
    const name = this.#name;
    const le = this.#le;
    const room = name.length + suffix.length + own.length + shared.length + le.length;
    this.#reserve(room + MARKS_MAX + NUMBER_BYTES_MAX);
    const bytes = this.#bytes;
    let at = this.#end;
    at += putLatin1(bytes, name, at);
    if (suffix !== '') at += putLatin1(bytes, suffix, at);
    let mark: number = OPEN;
    if (own !== '') {
      bytes[at++] = mark;
      at += putLatin1(bytes, own, at);
      mark = COMMA;
    }
    if (shared !== '') {
      bytes[at++] = mark;
      at += putLatin1(bytes, shared, at);
      mark = COMMA;
    }
    if (le !== '') {
      bytes[at++] = mark;
      at += putLatin1(bytes, le, at);
      mark = COMMA;
    }
    if (mark === COMMA) bytes[at++] = CLOSE;
    bytes[at++] = SPACE;
    at = putNumber(bytes, value, at);
    bytes[at++] = LINE_FEED;
    this.#end = at;
  }

  /** Writes text that is not of a line of its own kind many times. */
  #put(text: string): void {
    this.#reserve(Buffer.byteLength(text));
    this.#end += this.#bytes.write(text, this.#end);
  }

  #reserve(room: number): void {
    if (this.#end + room <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#end + room));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }

  end(): void {
    // A family ends where the next one begins.
  }

  close(): void {
    if (this.#isOpenMetrics) this.#put('# EOF\n');
  }

  take(): Buffer[] {
    if (this.#end === 0) return [];
    const piece = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return [piece];
  }
}

/** Labels as bytes (`LabelSet.text`). */
function textOf(labels: Labels): string {
  let text = '';
  for (const name in labels) {
    const value = labels[name] as string | number;
    text += `${text === '' ? '' : ','}${name}="${typeof value === 'number' ? value : escapeLabel(value)}"`;
  }
  const bytes = Buffer.from(text);
  return latin1Of(bytes, 0, bytes.length);
}

function escapeLabel(value: string): string {
  return UNSAFE_IN_LABEL.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** As OpenMetrics wants bounds: 1 is 1.0. */
function floatOf(value: number): string {
  const text = numberOf(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

function exemplarOf({ label, id, value, atSeconds }: Exemplar): string {
  return ` # {${label}="${escapeLabel(id)}"} ${numberOf(value)} ${atSeconds.toFixed(3)}`;
}
