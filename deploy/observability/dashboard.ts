/**
 * The Grafana dashboard over the gateway's metrics, as rows of panels; `deploy/grafana/sluice.json` is made of them.
 *
 * It asks the data source that is chosen in it, and has no address of its own.
 */

/** What a number is, in Grafana's words. */
type Unit = 'reqps' | 's' | 'percentunit' | 'short' | 'bytes';

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Default: lines over time. */
  readonly kind?: 'timeseries' | 'stat' | 'heatmap';
}

const SCOPE = 'job=~"$job", instance=~"$instance"';
const ROUTE = `${SCOPE}, route=~"$route"`;
const DURATION = 'http_server_request_duration_seconds_bucket';

function query(expr: string, legend: string): Query {
  return { expr, legend };
}

function panel(title: string, unit: Unit, ...queries: readonly Query[]): Panel {
  return { title, unit, queries };
}

function quantile(q: number): Query {
  const rates = `sum by (le, route, service_version) (rate(${DURATION}{${ROUTE}}[$__rate_interval]))`;
  return query(`histogram_quantile(${q}, ${rates})`, `p${q * 100} {{route}} {{service_version}}`);
}

/** Rows in the order of the page. */
export const ROWS: readonly { readonly title: string; readonly panels: readonly Panel[] }[] = [
  {
    title: 'At a glance',
    panels: [
      { ...panel('Ready', 'short', query(`sum(sluice_ready{${SCOPE}})`, 'gateways')), kind: 'stat' },
      { ...panel('Alerts firing', 'short', query(`sum(sluice_slo_alert_firing{${SCOPE}})`, 'alerts')), kind: 'stat' },
      {
        ...panel(
          'Least budget left',
          'percentunit',
          query(`min(sluice_slo_error_budget_remaining_ratio{${SCOPE}})`, 'left'),
        ),
        kind: 'stat',
      },
      {
        ...panel('Releases', 'short', query(`count by (version) (sluice_build_info{${SCOPE}})`, '{{version}}')),
        kind: 'stat',
      },
    ],
  },
  {
    title: 'Traffic',
    panels: [
      panel(
        'Requests by route and outcome',
        'reqps',
        query(
          `sum by (route, outcome) (rate(sluice_route_requests_total{${ROUTE}}[$__rate_interval]))`,
          '{{route}} {{outcome}}',
        ),
      ),
      panel(
        'Error ratio by version',
        'percentunit',
        query(
          `sum by (route, version) (rate(sluice_requests_total{${ROUTE}, outcome="bad"}[$__rate_interval])) / sum by (route, version) (rate(sluice_requests_total{${ROUTE}, outcome!="ignored"}[$__rate_interval]))`,
          '{{route}} {{version}}',
        ),
      ),
      panel(
        'Answers by class',
        'reqps',
        query(
          `sum by (code_class) (rate(sluice_upstream_requests_total{${ROUTE}}[$__rate_interval]))`,
          '{{code_class}}',
        ),
      ),
      panel(
        'What the gateway answered itself',
        'reqps',
        query(`sum by (reason) (rate(sluice_responses_by_reason_total{${ROUTE}}[$__rate_interval])) > 0`, '{{reason}}'),
        query(
          `sum by (reason) (rate(sluice_refused_requests_total{${SCOPE}}[$__rate_interval])) > 0`,
          'no route: {{reason}}',
        ),
      ),
    ],
  },
  {
    title: 'Latency',
    panels: [
      panel('Median and tail by version', 's', quantile(0.5), quantile(0.99)),
      {
        ...panel(
          'Where requests lie',
          's',
          query(`sum by (le) (increase(${DURATION}{${ROUTE}}[$__rate_interval]))`, '{{le}}'),
        ),
        kind: 'heatmap',
      },
    ],
  },
  {
    title: 'Rollouts',
    panels: [
      panel(
        'Weight in force, and share of requests',
        'percentunit',
        query(`sluice_version_weight_ratio{${ROUTE}}`, '{{route}} {{version}} weight'),
        query(`sluice_version_actual_ratio{${ROUTE}}`, '{{route}} {{version}} share'),
      ),
      panel(
        'Evidence against the canary',
        'short',
        query(`sluice_verdict_log_e{${ROUTE}, unit="total"}`, '{{route}}'),
        query(`sluice_verdict_log_e_to_fail{${ROUTE}}`, '{{route}} rolls back here'),
      ),
      panel('State', 'short', query(`sluice_rollout_state{${ROUTE}} == 1`, '{{route}} {{version}} {{state}}')),
      panel(
        'Rollbacks',
        'short',
        query(`increase(sluice_rollback_total{${ROUTE}}[$__rate_interval]) > 0`, '{{route}} {{version}}'),
      ),
    ],
  },
  {
    title: 'Objectives',
    panels: [
      panel(
        'Budget left',
        'percentunit',
        query(`sluice_slo_error_budget_remaining_ratio{${SCOPE}}`, '{{scope}} {{name}} {{sli}}'),
      ),
      panel(
        'Burn rate over 1 h',
        'short',
        query(`sluice_slo_burn_rate{${SCOPE}, window="1h"}`, '{{scope}} {{name}} {{sli}}'),
      ),
      panel(
        'Errors by class',
        'reqps',
        query(`sum by (name, class) (rate(sluice_slo_errors_total{${SCOPE}}[$__rate_interval]))`, '{{name}} {{class}}'),
      ),
    ],
  },
  {
    title: 'Endpoints',
    panels: [
      panel(
        'Capacity',
        'percentunit',
        query(`sluice_endpoint_capacity_ratio{${SCOPE}} < 1`, '{{service}} {{version}} {{endpoint}}'),
      ),
      panel(
        'Failures',
        'reqps',
        query(`rate(sluice_endpoint_failures_total{${SCOPE}}[$__rate_interval]) > 0`, '{{version}} {{endpoint}}'),
        query(
          `rate(sluice_endpoint_connect_failures_total{${SCOPE}}[$__rate_interval]) > 0`,
          '{{version}} {{endpoint}} connecting',
        ),
      ),
    ],
  },
  {
    title: 'Protection',
    panels: [
      panel(
        'Limits',
        'short',
        query(`sluice_concurrency_limit{${SCOPE}}`, '{{service}} {{version}} limit'),
        query(`sluice_concurrency_inflight{${SCOPE}}`, '{{service}} {{version}} under way'),
      ),
      panel(
        'Refused by priority',
        'reqps',
        query(`sum by (priority) (rate(sluice_shed_total{${ROUTE}}[$__rate_interval]))`, '{{priority}}'),
        query(
          `sum by (priority) (rate(sluice_saturation_shed_total{${SCOPE}}[$__rate_interval]))`,
          '{{priority}}, gateway short',
        ),
      ),
      panel(
        'Rescued and fallen back',
        'reqps',
        query(
          `sum by (route, outcome) (rate(sluice_rescues_total{${ROUTE}}[$__rate_interval]))`,
          '{{route}} rescued {{outcome}}',
        ),
        query(
          `sum by (route, fallback) (rate(sluice_fallbacks_total{${ROUTE}}[$__rate_interval]))`,
          '{{route}} {{fallback}}',
        ),
      ),
    ],
  },
  {
    title: 'Gateway',
    panels: [
      panel('Saturation', 'short', query(`sluice_saturation_grade{${SCOPE}}`, '{{instance}} {{scope}}')),
      panel('Event loop delay', 's', query(`sluice_event_loop_delay_seconds{${SCOPE}}`, '{{instance}} {{thread}}')),
      panel(
        'Client connections',
        'short',
        query(`sum by (instance) (sluice_client_connections{${SCOPE}})`, '{{instance}}'),
      ),
      panel('Memory', 'bytes', query(`process_resident_memory_bytes{${SCOPE}}`, '{{instance}}')),
      panel(
        'Configuration',
        'short',
        query(`sluice_config_in_sync{${SCOPE}}`, '{{instance}} in sync'),
        query(`increase(sluice_config_reloads_total{${SCOPE}}[$__rate_interval])`, '{{instance}} {{result}}'),
      ),
      panel('Age of sources', 's', query(`sluice_source_stale_seconds{${SCOPE}}`, '{{source}}')),
    ],
  },
];

const COLUMNS = 24;
const HEIGHT = 8;
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

function panelJson({ title, unit, queries, kind = 'timeseries' }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: kind,
    title,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit }, overrides: [] },
    options: kind === 'heatmap' ? { calculate: false, yAxis: { unit } } : {},
    targets: queries.map(({ expr, legend }, n) => ({
      refId: String.fromCharCode(65 + n),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(kind === 'heatmap' ? { format: 'heatmap' } : {}),
    })),
  };
}

function variable(name: string, metric: string): object {
  return {
    name,
    type: 'query',
    datasource: DATASOURCE,
    query: `label_values(${metric}, ${name})`,
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

/** The dashboard as Grafana imports it. */
export function dashboard(): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    const inRow = Math.min(row.panels.length, row.title === 'At a glance' ? 4 : 2);
    const w = COLUMNS / inRow;
    row.panels.forEach((one, n) => {
      const gridPos = { x: (n % inRow) * w, y: y + Math.floor(n / inRow) * HEIGHT, w, h: HEIGHT };
      panels.push(panelJson(one, panels.length + 1, gridPos));
    });
    y += Math.ceil(row.panels.length / inRow) * HEIGHT;
  }
  return {
    id: null,
    uid: 'sluice',
    title: 'Sluice',
    tags: ['sluice'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: '',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', current: {} },
        variable('job', 'sluice_build_info'),
        variable('instance', 'sluice_build_info'),
        variable('route', 'sluice_inflight'),
      ],
    },
    panels,
  };
}

/** The same as a file. */
export function dashboardFile(): string {
  return `${JSON.stringify(dashboard(), null, 2)}\n`;
}
