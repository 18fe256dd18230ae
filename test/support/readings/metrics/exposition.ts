/**
 * A strict reader of the Prometheus text format 0.0.4, for checking what is exported.
 */

import assert from 'node:assert/strict';

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ParsedSample[];
}

/** prom-client writes `Nan`, which Prometheus reads, because it ignores case there. */
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|Nan|[+-]Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/gy;

/** Parses a page; fails on any line that is not exactly right and on a series that stands there twice. */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  const families = new Map<string, { help: string; type: string; samples: ParsedSample[] }>();
  const seen = new Set<string>();
  let current: { help: string; type: string; samples: ParsedSample[] } | undefined;
  assert.ok(text.endsWith('\n'), 'the page ends in a newline');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (meta !== null) {
      const [, kind, name, rest] = meta as unknown as [string, string, string, string];
      if (kind === 'HELP') {
        assert.ok(!families.has(name), `${name} stands there once`);
        current = { help: rest, type: '', samples: [] };
        families.set(name, current);
      } else {
        assert.equal(families.get(name), current, `TYPE of ${name} follows its HELP`);
        if (current !== undefined) current.type = rest;
      }
      continue;
    }
    const sample = parseSample(line);
    const names = Object.keys(sample.labels).sort();
    const series = JSON.stringify([sample.name, ...names.map((name) => [name, sample.labels[name]])]);
    assert.ok(!seen.has(series), `series twice: ${series}`);
    seen.add(series);
    current?.samples.push(sample);
  }
  return families;
}

function parseSample(line: string): ParsedSample {
  const match = SAMPLE.exec(line);
  assert.ok(match !== null, `not a sample: ${line}`);
  const [, name, labelText = '', valueText] = match as unknown as [string, string, string | undefined, string];
  const labels: Record<string, string> = {};
  let end = 0;
  for (const label of labelText.matchAll(LABEL)) {
    labels[label[1] as string] = label[2] as string;
    end = (label.index ?? 0) + label[0].length;
  }
  assert.equal(end, labelText.length, `labels: ${labelText}`);
  return { name, labels, value: Number(valueText.replace('Inf', 'Infinity').replace('Nan', 'NaN')) };
}
