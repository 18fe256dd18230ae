/**
 * The metrics page: every family over one reading, with the runtime's own metrics, in the format that a scraper asks for.
 *
 * ```
 * source ─▶ rows, live ─▶ families ─▶ writer (text, OpenMetrics, protobuf) ─▶ gzip ─▶ scraper
 * ```
 * Rows are made once for a configuration, and refreshed at each scrape; nothing is made for a sample. Reading and rendering
 * share the control thread with everything else and take it for 1 ms at a time (`slices.ts`). Scrapes that come while a reading
 * is taken share it; `SCRAPES_MAX` pages at most are rendered at a time.
 */

import type { ServerResponse } from 'node:http';
import { nowMs } from '../lib/clock.ts';
import type { VersionState } from '../model/status.ts';
import { DURABLE_FAMILIES } from './durable-families.ts';
import { SCRAPE_FAMILIES } from './exposition/families.ts';
import { ProtobufWriter } from './exposition/formats/protobuf.ts';
import { TextWriter } from './exposition/formats/text.ts';
import type { PageWriter } from './exposition/formats/writer.ts';
import { type Asked, CONTENT_TYPES, type Format, formatFor, takesGzip } from './exposition/negotiate.ts';
import { renderPage } from './exposition/page.ts';
import { measuredBy, runtimeRegistry } from './exposition/runtime.ts';
import { sendPage } from './exposition/send.ts';
import { Slices } from './exposition/slices.ts';
import type { Family, Reading } from './family.ts';
import { ALERT_FAMILIES } from './gateways/alert-families.ts';
import { COLOR_FAMILIES } from './gateways/color-families.ts';
import { FLEET_FAMILIES } from './gateways/fleet-families.ts';
import { IDEMPOTENCY_FAMILIES } from './gateways/idempotency-families.ts';
import { MIRROR_FAMILIES } from './gateways/mirror-families.ts';
import { TRACING_FAMILIES } from './gateways/tracing-families.ts';
import { REVISION_FAMILIES } from './revision-families.ts';
import {
  endpointHolders,
  endpointRows,
  type Rows,
  routeRows,
  serviceRows,
  sloRows,
  stateRows,
  versionRows,
} from './rows.ts';
import { SLO_FAMILIES } from './slo-families.ts';
import type { MetricsSource, ScrapeCounts, SloReading } from './source.ts';
import { SOURCE_FAMILIES } from './source-families.ts';
import { STATE_FAMILIES } from './state-families.ts';
import { TRAFFIC_FAMILIES } from './traffic-families.ts';

/** The gateway's own families, in the order of the page. */
export const FAMILIES: readonly Family[] = [
  ...TRAFFIC_FAMILIES,
  ...STATE_FAMILIES,
  ...COLOR_FAMILIES,
  ...SOURCE_FAMILIES,
  ...REVISION_FAMILIES,
  ...SLO_FAMILIES,
  ...DURABLE_FAMILIES,
  ...FLEET_FAMILIES,
  ...IDEMPOTENCY_FAMILIES,
  ...ALERT_FAMILIES,
  ...TRACING_FAMILIES,
  ...MIRROR_FAMILIES,
  ...SCRAPE_FAMILIES,
];

/** Pages that are rendered at a time: two servers that scrape twice, as one does after a timeout. */
export const SCRAPES_MAX = 4;
/** Readings that a configuration may change under; the next one is taken as it is. */
const READINGS_MAX = 3;
/** A page that takes longer goes on without rests: Prometheus waits for ten seconds unless told otherwise. */
const LEISURE_MS = 2000;

/** A page that is about to be sent. */
export interface Scrape {
  /** Sends it. To be called once. */
  readonly take: (response: ServerResponse) => void;
}

export interface Metrics {
  /** The whole page as text. Rejects with what the source throws. */
  page(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** A page in the format that is asked for; null: too many are being rendered. Rejects with what the source throws. */
  scrape(asked: Asked): Promise<Scrape | null>;
}

/** @param onFailure told of a page that failed when a part of it was sent */
export function createMetrics(source: MetricsSource, onFailure: (error: unknown) => void = () => undefined): Metrics {
  return new Pages(source, onFailure);
}

class Pages implements Metrics {
  readonly #source: MetricsSource;
  readonly #onFailure: (error: unknown) => void;
  readonly #runtime = runtimeRegistry();
  readonly #slices = new Slices();
  readonly #counts = { text: 0, openMetrics: 0, protobuf: 0, refused: 0, aborted: 0, seriesLeftOut: 0 };
  #underWay = 0;
  #reading: Promise<Reading> | null = null;
  /** Of pages that are complete, one for each format: their memory, as much as the configuration needs, is written again. */
  readonly #writers = new Map<Format, PageWriter>();
  #kept: { readonly generation: number; readonly from: Iterable<SloReading>; readonly rows: KeptRows } | null = null;

  constructor(source: MetricsSource, onFailure: (error: unknown) => void) {
    this.#source = source;
    this.#onFailure = onFailure;
  }

  async page(): Promise<{ readonly contentType: string; readonly body: string }> {
    const pieces: Buffer[] = [];
    for await (const piece of this.#render('text', 0)) pieces.push(Buffer.from(piece));
    return { contentType: CONTENT_TYPES.text, body: Buffer.concat(pieces).toString() };
  }

  async scrape({ accept, acceptEncoding }: Asked): Promise<Scrape | null> {
    if (this.#underWay >= SCRAPES_MAX) {
      this.#counts.refused += 1;
      return null;
    }
    this.#underWay += 1;
    const format = formatFor(accept);
    this.#counts[format] += 1;
    const pieces = this.#render(format, LEISURE_MS);
    try {
      // What fails at the beginning fails before anything is sent.
      const first = await pieces.next();
      const page = {
        contentType: CONTENT_TYPES[format],
        isGzip: takesGzip(acceptEncoding),
        pieces: behind(first, pieces),
      };
      return { take: (response) => void this.#send(response, page) };
    } catch (error) {
      this.#underWay -= 1;
      throw error;
    }
  }

  /** Never rejects. */
  async #send(response: ServerResponse, page: Parameters<typeof sendPage>[1]): Promise<void> {
    try {
      if (!(await sendPage(response, page))) this.#counts.aborted += 1;
    } catch (error) {
      this.#counts.aborted += 1;
      this.#onFailure(error);
    } finally {
      this.#underWay -= 1;
    }
  }

  async *#render(format: Format, leisureMs: number): AsyncGenerator<Buffer> {
    const hurriesAtMs = nowMs() + leisureMs;
    this.#reading ??= this.#read(hurriesAtMs).finally(() => {
      this.#reading = null;
    });
    const [reading, runtime] = await Promise.all([this.#reading, measuredBy(this.#runtime)]);
    const writer = this.#writers.get(format) ?? writerOf(format);
    this.#writers.delete(format);
    yield* renderPage({
      families: [...FAMILIES, ...runtime],
      reading,
      writer,
      slices: this.#slices,
      hurriesAtMs,
      onLeftOut: () => {
        this.#counts.seriesLeftOut += 1;
      },
    });
    this.#writers.set(format, writer);
  }

  async #read(hurriesAtMs: number): Promise<Reading> {
    const { holders, ...rows } = await this.#rowsNow(hurriesAtMs);
    await this.#slices.each(rows.traffic, ({ route }) => route.refresh(), hurriesAtMs);
    const endpoints = await this.#slices.all(endpointRows(holders), hurriesAtMs);
    return { ...restOf(this.#source, this.#counts), ...rows, endpoints };
  }

  /** Those of the configuration in force, made in slices when it is another one; again, when it changed meanwhile. */
  async #rowsNow(hurriesAtMs: number): Promise<KeptRows> {
    const source = this.#source;
    for (let readings = 1; ; readings++) {
      const [generation, slos] = [source.generation(), source.slos()];
      const kept = this.#kept;
      if (kept !== null && kept.generation === generation && kept.from === slos) return kept.rows;
      const rows = await this.#makeRows(slos, hurriesAtMs);
      this.#kept = { generation, from: slos, rows };
      this.#writers.clear();
      if (generation !== source.generation() && readings < READINGS_MAX) continue;
      return rows;
    }
  }

  async #makeRows(from: Iterable<SloReading>, hurriesAtMs: number): Promise<KeptRows> {
    const all = <T>(rows: Iterable<T>): Promise<T[]> => this.#slices.all(rows, hurriesAtMs);
    const traffic = await all(routeRows(this.#source.traffic()));
    const versions = await all(versionRows(traffic));
    const services = await all(serviceRows(versions));
    const states = await all(stateRows(this.#source.routes(), versions));
    const slos = await all(sloRows(from));
    const holders = await all(endpointHolders(states));
    return { traffic, versions, services, states, slos, holders };
  }
}

/** Rows, and whose endpoints are read. */
interface KeptRows extends Rows {
  readonly holders: readonly VersionState[];
}

/** All but the rows. */
function restOf(source: MetricsSource, scrapes: ScrapeCounts): Omit<Reading, keyof Rows | 'endpoints'> {
  return {
    status: source.status(),
    rollouts: source.rollouts(),
    refused: source.refused(),
    colors: source.colors(),
    handshakes: source.handshakes(),
    proxyHeaders: source.proxyHeaders(),
    http2: source.http2(),
    rollbacks: source.rollbacks(),
    accessLosses: source.accessLosses(),
    ratesForgotten: source.ratesForgotten(),
    samplesLost: source.samplesLost(),
    injected: source.injected(),
    staleBytes: source.staleBytes(),
    viewers: source.viewers(),
    scrapes: { ...scrapes },
    exemplars: (route, version) => source.exemplars(route, version),
  };
}

function writerOf(format: Format): PageWriter {
  return format === 'protobuf' ? new ProtobufWriter() : new TextWriter(format === 'openMetrics');
}

async function* behind(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (first.done === true) return;
    yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
