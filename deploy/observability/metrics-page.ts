/**
 * Makes docs/METRICS.md from the families of the metrics page.
 */

import { unitOf } from '#src/export/exposition/formats/names.ts';
import { FAMILIES } from '#src/export/metrics.ts';

const INTRODUCTION = `# Metrics

\`GET /metrics\` of the admin server, for Prometheus and what reads its formats. The table is made from the families of
\`src/export/\` by \`npm run docs\`; do not edit this page. Alerts: [RUNBOOKS.md](RUNBOOKS.md). Recording rules for objectives:
[SLO files](slo-files.md#for-prometheus-with-sloths-names).

## Setting up

\`\`\`yaml
scrape_configs:
  - job_name: sluice
    static_configs: [{targets: ["127.0.0.1:9900"]}]
rule_files: [alerts.yaml]
\`\`\`

\`deploy/prometheus/alerts.yaml\` has the alerts, \`deploy/grafana/sluice.json\` a dashboard. Native histograms need
\`--enable-feature=native-histograms\` before Prometheus 3.9 and \`scrape_native_histograms: true\` since 3.8; exemplars
\`--enable-feature=exemplar-storage\`. Prometheus takes the classic buckets beside the native ones with
\`scrape_classic_histograms\` (\`always_scrape_classic_histograms\` since 3.0); without it dashboards over \`_bucket\` are empty then.

## Formats

| \`Accept\` | format | has besides |
|---|---|---|
| nothing, \`*/*\`, \`text/plain\` | text 0.0.4 | |
| \`application/openmetrics-text\` of version 1.0.0 | OpenMetrics 1.0 | units, exemplars, infos |
| \`application/vnd.google.protobuf\` with \`proto=io.prometheus.client.MetricFamily\` and \`encoding=delimited\` | protobuf | units, exemplars, native histograms |

Quality values decide; of equal ones the lowest of the table. \`Accept-Encoding: gzip\` packs the page. No format has \`_created\`
samples: they would double the series of counters. Bounds of buckets are written \`1\` in text and \`1.0\` in the others, as each
format wants it, and so are different values of \`le\` in Prometheus 2.

## Latencies

\`http_server_request_duration_seconds\` comes from exponential histograms of 672 buckets, 2.2 % wide, from 0.1 ms to 206 s.

- **Classic**: the bounds of OpenTelemetry's conventions. A bound lies within a bucket, which is counted where most of it is: counts
  are off by requests within 2.2 % of the bound. The route's latency threshold is a bound of its own and **exact**, so objectives
  can be recomputed.
- **Native**: schema 5, the same buckets, so the mapping adds no error; a quantile is within 2.2 %. What took up to 0.1 ms is in
  the zero bucket. Beyond 160 buckets in use neighbors are merged (schema 4, 4.4 %, and so on). What took more than 206 s is in the last bucket.
- **Exemplars**: the newest request in each range, by trace id or else request id, from what the access log is given: its share of all
  requests, and every failure. While the access log is off there are none. At most 1,000 versions of routes have exemplars.

## Bounds

No label value comes from a client: values are names of the configuration and words of the tables below, so that the number of
series is bounded by the configuration (routes with their versions: 32,767; endpoints: 65,536). A family has at most a million samples
on a page; what is beyond is left out and counted by \`sluice_scrape_series_left_out_total\`. A route or version that was never used has its
request counters, at 0, and no histogram.

A page is read and rendered on the control thread in slices of 1 ms, one per turn of its event loop, and no request passes that
thread. Where workers share its core they have it four times out of five meanwhile: between slices the thread rests, unless a page takes longer
than two seconds. It is sent as it is made and never held whole: a scraper that reads slowly slows its own page down, and is cut after a minute. At
most four pages are made at a time; further scrapes get 503 and \`Retry-After: 1\`. While a page is read, traffic goes on: numbers of different
routes and families may be as far apart as the page took. A page of 10,000 routes with two versions and two objectives each, 64 of them used, is 45 MB of text
or 40 MB of protobuf, 1.4 MB packed; it takes a second, a fifth of a second of processor time of it, gzip's included. From the first scrape on the
labels of all rows are kept as they are written, some 1 KB for each version on a route, and in protobuf as much memory as the largest family takes, 16 MB here. The first scrape of a configuration, and one of which all routes
are used, cost several times as much. \`npm run bench:scrape\` measures what scrapes cost requests: with 10,000 routes and
a scrape every five seconds their p99 was 0.99 times that without (2026-11-22, median of 24 pairs of turns, single ones 0.56 to 2.23).

## Families

Metrics of the runtime (\`process_…\`, \`nodejs_…\`) are those of prom-client.

| name | type | unit | labels | meaning |
|---|---|---|---|---|
`;

/** The whole page. */
export function metricsPage(): string {
  const rows = FAMILIES.map(({ name, type, help, labels = [] }) => {
    const shown = labels.map((label) => `\`${label}\``).join(', ');
    const cells = [`\`${name}\``, type, unitOf(name) || '–', shown || '–', help.replaceAll('|', '\\|')];
    return `| ${cells.join(' | ')} |`;
  });
  return `${INTRODUCTION}${rows.join('\n')}\n`;
}
