/**
 * The demo's output: lines with the time since the start, in color on a terminal, plain elsewhere.
 */

import { styleText } from 'node:util';
import type { Output } from '../deps.ts';
import type { Phase } from './load.ts';

export type Tone = 'plain' | 'good' | 'bad' | 'dim' | 'bold';

export interface Screen {
  /** A line with `t+00s` in front. */
  at(text: string, tone?: Tone): void;
  /** A line that goes on with what the last `at` told. */
  more(text: string, tone?: Tone): void;
  /** A line without a time. */
  line(text: string, tone?: Tone): void;
  /** A last line that replaces itself; nothing where the output is plain. */
  live(text: string): void;
}

export interface ScreenOptions {
  readonly output: Output;
  readonly isPlain: boolean;
  readonly nowMs: () => number;
}

const STYLES = { plain: 'reset', good: 'green', bad: 'red', dim: 'dim', bold: 'bold' } as const;
const ERASE_LINE = '\r\u001b[2K';

/** Makes the screen; the time counts from now. */
export function createScreen({ output, isPlain, nowMs }: ScreenOptions): Screen {
  const startedAtMs = nowMs();
  let isLive = false;
  const put = (text: string, tone: Tone) => {
    const styled = isPlain || tone === 'plain' ? text : styleText(STYLES[tone], text, { validateStream: false });
    output.write(`${isLive ? ERASE_LINE : ''}  ${styled}\n`);
    isLive = false;
  };
  return {
    at(text, tone = 'plain') {
      const seconds = Math.floor((nowMs() - startedAtMs) / 1000);
      put(`t+${String(seconds).padStart(2, '0')}s  ${text}`, tone);
    },
    more: (text, tone = 'plain') => put(`       ${text}`, tone),
    line: (text, tone = 'plain') => put(text, tone),
    live(text) {
      if (isPlain) return;
      output.write(`${ERASE_LINE}  ${text}`);
      isLive = true;
    },
  };
}

/** `p50 6.1 ms, p99 12 ms`; `-` where nothing was answered. */
export function latencyText(phase: Phase): string {
  return `p50 ${formatMs(phase.quantileMs(0.5))}, p99 ${formatMs(phase.quantileMs(0.99))}`;
}

/** `v1 0 failed of 380 | v2 0 failed of 20`, by version in order. */
export function versionsText(phase: Phase): string {
  const names = [...phase.byVersion.keys()].sort();
  const texts = names.map((name) => {
    const { succeeded = 0, failed = 0 } = phase.byVersion.get(name) ?? {};
    return `${name} ${failed} failed of ${succeeded + failed}`;
  });
  return texts.join(' | ');
}

/** Two significant digits, three from a second on, and a unit: `0.021 ms`, `41 ms`, `1.94 s`. */
export function formatMs(ms: number | null): string {
  if (ms === null) return '-';
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(3))} s`;
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(2))} ms`;
}

/** `0.66 %`; `-` for a share of nothing. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? '-' : `${Number(((part / whole) * 100).toPrecision(2))} %`;
}
