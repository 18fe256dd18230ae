/**
 * The two charts of a route: errors and latency by version, with the limit as a line and what happened as markers.
 */

// @ts-expect-error the server's path of the npm package uplot, whose types are named below
import Uplot from '/page/uplot.js';
import { clock, digits, millis } from '../view/format.js';

/** @typedef {import('../view/board.ts').RouteHistory} RouteHistory */
/** @typedef {import('../view/board.ts').Second} Second */
/** @typedef {import('../view/board.ts').BoardEvent} BoardEvent */
/** @typedef {import('uplot')} Chart */
/** @typedef {import('uplot').Options} Options */
/** @typedef {new (options: Options, data: import('uplot').AlignedData, target: HTMLElement) => Chart} ChartClass */
/** @typedef {{ readonly errorRatio: number | null, readonly ms: number | null }} Limits */
/** @typedef {{ version: string, finished: (number | null)[], bad: (number | null)[], p99Ms: (number | null)[] }} Series */

/** Seconds over which errors are taken together, so that one failure of a quiet second is no tower. */
const ERRORS_S = 10;
const LENGTH = 300;
/** Shortest time that a chart spans. */
const LEAST_S = 60;
const HEIGHT = 200;

export class Charts {
  /** @type {number[]} */
  #times = [];
  /** @type {Series[]} */
  #series = [];
  /** @type {readonly BoardEvent[]} */
  #events = [];
  /** @type {Limits} */
  #limits = { errorRatio: null, ms: null };
  /** @type {readonly Chart[]} */
  #charts = [];
  #shape = '';
  #places;

  /** @param {readonly [errors: HTMLElement, latency: HTMLElement, legend: HTMLElement]} places */
  constructor(places) {
    this.#places = places;
    new ResizeObserver(() => this.#resize()).observe(places[0]);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#rebuild());
  }

  /** @param {RouteHistory | null} history null: forget everything */
  load(history) {
    this.#times = [...(history?.times ?? [])];
    const copy = (/** @type {readonly (number | null)[]} */ list) => [...list];
    this.#series = (history?.versions ?? []).map(({ version, finished, bad, p99Ms }) => ({
      version,
      finished: copy(finished),
      bad: copy(bad),
      p99Ms: copy(p99Ms),
    }));
  }

  /**
   * One more second.
   * @param {number} atS
   * @param {readonly Second[]} seconds
   */
  add(atS, seconds) {
    if (atS <= (this.#times.at(-1) ?? 0)) return;
    this.#times.push(atS);
    for (const { version } of seconds) {
      if (this.#series.some((one) => one.version === version)) continue;
      const empty = () => Array.from({ length: this.#times.length - 1 }, () => null);
      this.#series.push({ version, finished: empty(), bad: empty(), p99Ms: empty() });
    }
    for (const one of this.#series) {
      const second = seconds.find(({ version }) => version === one.version);
      one.finished.push(second?.finished ?? null);
      one.bad.push(second?.bad ?? null);
      one.p99Ms.push(second?.p99Ms ?? null);
      if (this.#times.length > LENGTH) for (const list of [one.finished, one.bad, one.p99Ms]) list.shift();
    }
    if (this.#times.length > LENGTH) this.#times.shift();
  }

  /**
   * Draws what there is.
   * @param {Limits} limits
   * @param {readonly BoardEvent[]} events
   */
  draw(limits, events) {
    this.#limits = limits;
    this.#events = events;
    const shape = `${this.#series.map(({ version }) => version).join('\n')}`;
    if (shape !== this.#shape || this.#charts.length === 0) {
      this.#shape = shape;
      this.#rebuild();
      return;
    }
    for (const [n, chart] of this.#charts.entries()) chart.setData(this.#data(n === 0));
  }

  /** @param {boolean} isErrors */
  #data(isErrors) {
    const lists = this.#series.map((one) => (isErrors ? trailing(one) : one.p99Ms));
    return /** @type {import('uplot').AlignedData} */ ([this.#times, ...lists]);
  }

  #rebuild() {
    for (const chart of this.#charts) chart.destroy();
    const style = getComputedStyle(document.documentElement);
    const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const [errors, latency, legend] = this.#places;
    const Class = /** @type {ChartClass} */ (Uplot);
    const make = (/** @type {HTMLElement} */ place, /** @type {boolean} */ isErrors) =>
      new Class(this.#options(place, isErrors, color), this.#data(isErrors), place);
    this.#charts = [make(errors, true), make(latency, false)];
    const items = this.#series.map(({ version }, n) => {
      const swatch = document.createElement('span');
      swatch.className = `swatch line-${n % LINES}`;
      const item = document.createElement('li');
      item.append(swatch, version);
      return item;
    });
    legend.replaceChildren(...items);
  }

  /**
   * @param {HTMLElement} place
   * @param {boolean} isErrors
   * @param {(name: string) => string} color
   * @returns {Options}
   */
  #options(place, isErrors, color) {
    const axis = {
      stroke: color('--ink-2'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const limit = () => (isErrors ? this.#limits.errorRatio : this.#limits.ms);
    const words = (/** @type {number} */ value) => (isErrors ? `${digits(value * 100)} %` : millis(value));
    return {
      width: widthOf(place),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: (_chart, min, max) => spanOf(min, max) },
        y: { range: (_chart, _min, max) => [0, Math.max(isErrors ? 0.002 : 5, max ?? 0, limit() ?? 0) * 1.15] },
      },
      axes: [
        { ...axis, size: 28, space: 90, values: (_chart, ticks) => ticks.map((tick) => clock(tick * 1000)) },
        { ...axis, size: 58, space: 34, values: (_chart, ticks) => ticks.map(words) },
      ],
      series: [
        {},
        ...this.#series.map(({ version }, n) => ({
          label: version,
          stroke: color(`--line-${n % LINES}`),
          width: 2,
          points: { show: false },
        })),
      ],
      hooks: { draw: [(chart) => this.#mark(chart, limit(), color)] },
    };
  }

  /**
   * The limit as a dashed line, and every event of the time that is shown.
   * @param {Chart} chart
   * @param {number | null} limit
   * @param {(name: string) => string} color
   */
  #mark(chart, limit, color) {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = ratio;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    if (limit !== null) {
      const y = Math.round(chart.valToPos(limit, 'y', true)) + 0.5;
      line(ctx, [bbox.left, y, bbox.left + bbox.width, y], color('--warn'));
      ctx.fillStyle = color('--warn');
      ctx.textAlign = 'left';
      ctx.fillText('objective', bbox.left + 4 * ratio, y - 4 * ratio);
    }
    ctx.textAlign = 'right';
    /** @type {number[]} */
    const labeled = [];
    for (const { atMs, kind, tone } of this.#events.toSorted(
      (a, b) => URGENCY.indexOf(a.tone) - URGENCY.indexOf(b.tone),
    )) {
      // What is newer than the newest second stands at its edge until that second is there.
      const x = Math.min(Math.round(chart.valToPos(atMs / 1000, 'x', true)), bbox.left + bbox.width - 1) + 0.5;
      if (x < bbox.left) continue;
      line(ctx, [x, bbox.top, x, bbox.top + bbox.height], color(`--${tone}`));
      // Of markers side by side the most urgent, then the newest, has its name; the list of events has them all.
      if (labeled.some((other) => Math.abs(other - x) < LABEL_PX * ratio)) continue;
      labeled.push(x);
      ctx.fillStyle = color(`--${tone}`);
      ctx.save();
      ctx.translate(x - 4 * ratio, bbox.top + 2 * ratio);
      ctx.rotate(-Math.PI / 2);
      ctx.fillText(kind, 0, 0);
      ctx.restore();
    }
    ctx.restore();
  }

  #resize() {
    const [errors, latency] = this.#places;
    for (const [n, chart] of this.#charts.entries()) {
      const width = widthOf(n === 0 ? errors : latency);
      if (width !== chart.width) chart.setSize({ width, height: HEIGHT });
    }
  }
}

/**
 * What the axis of time spans; before the first second, the last minute.
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]}
 */
function spanOf(min, max) {
  const end = max ?? Date.now() / 1000;
  return [Math.min(min ?? end, end - LEAST_S), end];
}

/** Tones, the most urgent first. */
const URGENCY = ['bad', 'warn', 'good', 'calm'];
/** Room that the name of a marker takes. */
const LABEL_PX = 14;
/** Colors of lines that the style has. */
const LINES = 8;

/** @param {HTMLElement} place */
function widthOf(place) {
  return Math.max(200, Math.floor(place.clientWidth));
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {readonly [number, number, number, number]} ends
 * @param {string} color
 */
function line(ctx, [x1, y1, x2, y2], color) {
  ctx.strokeStyle = color;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

/**
 * Share of bad exchanges over the last seconds, at each second; null where none finished.
 * @param {Series} series
 */
function trailing({ finished, bad }) {
  let [all, failed] = [0, 0];
  return finished.map((count, n) => {
    all += count ?? 0;
    failed += bad[n] ?? 0;
    if (n >= ERRORS_S) {
      all -= finished[n - ERRORS_S] ?? 0;
      failed -= bad[n - ERRORS_S] ?? 0;
    }
    return all === 0 ? null : failed / all;
  });
}
