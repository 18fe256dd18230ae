/** What is made from the metric families is what they are: the reference page, the dashboard, the alerts. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { FAMILIES } from '#src/export/metrics.ts';
import { ALERTS, runbookOf } from '../../../../deploy/observability/alerts.ts';
import { ROWS } from '../../../../deploy/observability/dashboard.ts';
import { MADE } from '../../../../deploy/observability/write.ts';

const ROOT = new URL('../../../../', import.meta.url);
/** Labels that Prometheus adds. */
const ADDED = ['job', 'instance'];
/** Metrics that the runtime or Prometheus has. */
const FOREIGN = ['process_resident_memory_bytes', 'up'];
/** Everything that a query may name beside metrics and labels. */
const WORDS = /^(?:sum|min|max|count|by|rate|increase|histogram_quantile|time|le)$/;

/** Labels of each series that a query may name. */
const LABELS = new Map<string, readonly string[]>(FOREIGN.map((name) => [name, ADDED]));
for (const { name, type, labels = [] } of FAMILIES) {
  if (type !== 'histogram') LABELS.set(name, [...labels, ...ADDED]);
  else for (const suffix of ['bucket', 'sum', 'count']) LABELS.set(`${name}_${suffix}`, [...labels, ...ADDED, 'le']);
}

/** Metrics and labels that a query names and that do not exist. */
function strangersIn(expr: string, ...used: readonly string[]): string[] {
  const strangers: string[] = [];
  const groups = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
  const bare = expr.replace(/by \([^)]*\)/g, '').replace(/\[[^\]]*\]/g, '');
  const named: string[][] = [];
  for (const [, name = '', , selector = ''] of bare.matchAll(/([a-zA-Z_:][\w:]*)(\{([^}]*)\})?/g)) {
    const labels = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
    const known = LABELS.get(name);
    if (known === undefined) {
      if (!WORDS.test(name) && !bare.includes(`"${name}`)) strangers.push(name);
      continue;
    }
    named.push([...known]);
    strangers.push(...labels.filter((label) => !known.includes(label)).map((label) => `${name}{${label}}`));
  }
  if (named.length === 0) strangers.push('no metric');
  const everywhere = [...groups, ...used].filter((label) => !named.every((known) => known.includes(label)));
  return [...strangers, ...everywhere];
}

suite('observability', () => {
  for (const [path, make] of Object.entries(MADE)) {
    test(`${path} is what the families say`, () => {
      assert.equal(readFileSync(new URL(path, ROOT), 'utf8'), make(), 'run npm run docs');
    });
  }

  test('a query that names what is not there is found', () => {
    assert.deepEqual(strangersIn('sum by (route, colour) (rate(sluice_requests_total{job="a", rout="x"}[5m]))'), [
      'sluice_requests_total{rout}',
      'colour',
    ]);
    assert.deepEqual(strangersIn('max(sluice_gone{a="b"}) + sluice_ready'), ['sluice_gone']);
    assert.deepEqual(strangersIn('sluice_ready', 'route'), ['route']);
  });

  test('panels and alerts name metrics and labels that exist', () => {
    for (const { title, panels } of ROWS) {
      for (const { title: panel, queries } of panels) {
        for (const { expr, legend } of queries) {
          const used = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
          assert.deepEqual(strangersIn(expr, ...used), [], `${title}, ${panel}: ${expr}`);
        }
      }
    }
    for (const { name, expr, summary } of ALERTS) {
      const used = [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      assert.deepEqual(strangersIn(expr, ...used), [], name);
    }
  });

  test('every alert has a section of the runbooks, and every section an alert', () => {
    const page = readFileSync(new URL('docs/RUNBOOKS.md', ROOT), 'utf8');
    const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    assert.deepEqual(
      sections,
      ALERTS.map(({ name }) => name),
    );
    for (const alert of ALERTS) assert.equal(runbookOf(alert), `docs/RUNBOOKS.md#${alert.name.toLowerCase()}`);
  });
});
