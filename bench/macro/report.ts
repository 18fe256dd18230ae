/**
 * Turns samples into the table that is printed and the document that is saved.
 */

import type { Sample } from './measure.ts';
import { median, range, ratios } from './statistics.ts';

/** Samples of one gateway, one per round. */
export interface Series {
  readonly name: string;
  readonly version: string;
  /** Under saturation. */
  readonly full: readonly Sample[];
  /** At the paced rate; empty when that was left out. */
  readonly paced: readonly Sample[];
}

/** What the numbers were taken on. */
export interface Setting {
  /** ISO 8601. */
  readonly at: string;
  readonly commit: string;
  readonly node: string;
  readonly cpu: string;
  readonly kernel: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly rate: number;
  readonly headBytes: number;
  readonly isPinned: boolean;
  /** Requests per second that the upstream answers without a gateway. */
  readonly upstreamRequestsPerSecond: number;
}

/** One row: medians over rounds, ratios round by round against the base. */
export interface Row {
  readonly name: string;
  readonly version: string;
  readonly cpuUs: number;
  readonly cpuUsRange: readonly [number, number];
  /** CPU per request against the base's; null without a base. */
  readonly cpuRatio: number | null;
  readonly cpuRatioRange: readonly [number, number] | null;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly gatewayRatio: number;
  readonly foreignRatio: number | null;
  readonly loadCoreRatio: number | null;
  readonly paced: {
    readonly cpuUs: number;
    readonly cpuRatio: number | null;
    readonly requestsPerSecond: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
  } | null;
}

export const BASE = 'nginx';

function column(samples: readonly Sample[], key: 'cpuUs' | 'requestsPerSecond' | 'p50Ms' | 'p99Ms' | 'gatewayRatio') {
  return samples.map((sample) => sample[key]);
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
}

/** Rows in the order of the series. */
export function rowsOf(series: readonly Series[]): Row[] {
  const base = series.find(({ name }) => name === BASE);
  return series.map(({ name, version, full, paced }) => {
    const cpu = column(full, 'cpuUs');
    const cpuRatios = base === undefined ? null : ratios(cpu, column(base.full, 'cpuUs'));
    const pacedRatios = base === undefined ? null : ratios(column(paced, 'cpuUs'), column(base.paced, 'cpuUs'));
    return {
      name,
      version,
      cpuUs: median(cpu),
      cpuUsRange: range(cpu),
      cpuRatio: cpuRatios === null ? null : median(cpuRatios),
      cpuRatioRange: cpuRatios === null ? null : range(cpuRatios),
      requestsPerSecond: median(column(full, 'requestsPerSecond')),
      p50Ms: median(column(full, 'p50Ms')),
      p99Ms: median(column(full, 'p99Ms')),
      gatewayRatio: median(column(full, 'gatewayRatio')),
      foreignRatio: medianOrNull(full.map(({ foreignRatio }) => foreignRatio)),
      loadCoreRatio: medianOrNull(full.map(({ loadCoreRatio }) => loadCoreRatio)),
      paced:
        paced.length === 0
          ? null
          : {
              cpuUs: median(column(paced, 'cpuUs')),
              cpuRatio: pacedRatios === null ? null : median(pacedRatios),
              requestsPerSecond: median(column(paced, 'requestsPerSecond')),
              p50Ms: median(column(paced, 'p50Ms')),
              p99Ms: median(column(paced, 'p99Ms')),
            },
    };
  });
}

function fixed(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}

function percent(value: number | null): string {
  return value === null ? '-' : `${Math.round(value * 100)} %`;
}

/** Cells padded to their column, first column left, the others right. */
function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  return lines
    .map((cells) => cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))))
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n');
}

/** Both tables as text. */
export function renderTable(rows: readonly Row[]): string {
  const full = [
    [
      'saturated',
      'CPU/request',
      'vs nginx',
      'range',
      'requests/s',
      'p50 ms',
      'p99 ms',
      'own core',
      'noise',
      'load core',
    ],
    ...rows.map((row) => [
      `${row.name} ${row.version}`,
      `${fixed(row.cpuUs, 1)} us`,
      fixed(row.cpuRatio, 2),
      row.cpuRatioRange === null ? '-' : row.cpuRatioRange.map((one) => one.toFixed(2)).join('-'),
      fixed(row.requestsPerSecond, 0),
      fixed(row.p50Ms, 2),
      fixed(row.p99Ms, 2),
      percent(row.gatewayRatio),
      percent(row.foreignRatio),
      percent(row.loadCoreRatio),
    ]),
  ];
  const paced = [
    ['paced', 'CPU/request', 'vs nginx', 'requests/s', 'p50 ms', 'p99 ms'],
    ...rows.flatMap(({ name, version, paced: one }) =>
      one === null
        ? []
        : [
            [
              `${name} ${version}`,
              `${fixed(one.cpuUs, 1)} us`,
              fixed(one.cpuRatio, 2),
              fixed(one.requestsPerSecond, 0),
              fixed(one.p50Ms, 2),
              fixed(one.p99Ms, 2),
            ],
          ],
    ),
  ];
  return paced.length > 1 ? `${align(full)}\n\n${align(paced)}` : align(full);
}

/** `sluice: CPU per request 1.20 x nginx (1.14-1.25), …` against everybody else; empty without sluice or company. */
export function headlineOf(series: readonly Series[]): string {
  const own = series.find(({ name }) => name === 'sluice');
  if (own === undefined) return '';
  const parts = series
    .filter((other) => other !== own)
    .map((other) => {
      const quotients = ratios(column(own.full, 'cpuUs'), column(other.full, 'cpuUs'));
      const [lowest, highest] = range(quotients);
      return `${median(quotients).toFixed(2)} x ${other.name} (${lowest.toFixed(2)}-${highest.toFixed(2)})`;
    });
  return parts.length === 0 ? '' : `sluice: CPU per request ${parts.join(', ')}`;
}

/** What a reader must know before believing the table; empty when all is well. */
export function warningsOf(rows: readonly Row[], setting: Setting): string[] {
  const warnings: string[] = [];
  if (!setting.isPinned) warnings.push('not pinned: gateway, load and upstream share the cores; ratios are rough');
  for (const row of rows) {
    if ((row.loadCoreRatio ?? 0) > 0.97 && row.gatewayRatio < 0.9) {
      warnings.push(`${row.name}: load and upstream were the bottleneck; its requests/s and latency are theirs`);
    }
    if ((row.foreignRatio ?? 0) > 0.1)
      warnings.push(`${row.name}: ${percent(row.foreignRatio)} of its core was used by others`);
  }
  return warnings;
}

/** The document that `--json` and `--save` write. */
export function renderJson(setting: Setting, series: readonly Series[]): string {
  return `${JSON.stringify({ setting, rows: rowsOf(series), samples: series }, null, 2)}\n`;
}
