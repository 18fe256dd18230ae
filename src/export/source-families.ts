/**
 * Metric families of the configuration's sources: where each stands, how stale it is, what it holds, how fast it takes effect.
 */

import { SOURCE_STATES, type SourceStatus } from '../model/status.ts';
import type { Family, Sample } from './family.ts';

export const SOURCE_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_source_state',
    help: '1 for the state that the following of a source is in, 0 for the others',
    type: 'gauge',
    *collect({ status }) {
      for (const { name, state } of status.sources) {
        for (const one of SOURCE_STATES) yield { labels: { source: name, state: one }, value: one === state ? 1 : 0 };
      }
    },
  },
  each(
    'sluice_source_stale_seconds',
    'Time since a source last said that what is held is what it holds; since the start, if it never did',
    ({ staleMs }) => staleMs / 1000,
  ),
  {
    name: 'sluice_source_revision_info',
    help: 'What is held of a source: its revision and content hash; always 1',
    type: 'gauge',
    *collect({ status }) {
      for (const { name, kind, revision, hash } of status.sources) {
        yield { labels: { source: name, kind, revision, hash }, value: 1 };
      }
    },
  },
  each('sluice_source_pieces', 'Documents that are held of a source', ({ pieces }) => pieces),
  each('sluice_source_shrunk', '1 while a sudden loss of a source is not believed', ({ shrink }) =>
    shrink === null ? 0 : 1,
  ),
  counted('sluice_source_errors_total', 'Questions that a source did not answer as it should', ({ errors }) => errors),
  counted(
    'sluice_source_shrinks_refused_total',
    'Sudden losses of a source that were not believed',
    (source) => source.shrinksRefused,
  ),
  counted('sluice_source_drifts_total', 'Comparisons that found what no watch had told', ({ drifts }) => drifts),
  {
    name: 'sluice_config_apply_seconds',
    help: 'Time from the first event of a change to the last worker that obeys it',
    type: 'histogram',
    *collect({ status: { apply } }): Generator<Sample> {
      const metricName = 'sluice_config_apply_seconds';
      for (const { leMs, count } of apply.buckets) {
        yield { labels: { le: leMs / 1000 }, value: count, metricName: `${metricName}_bucket` };
      }
      yield { labels: { le: '+Inf' }, value: apply.count, metricName: `${metricName}_bucket` };
      yield { labels: {}, value: apply.sumMs / 1000, metricName: `${metricName}_sum` };
      yield { labels: {}, value: apply.count, metricName: `${metricName}_count` };
    },
  },
];

function each(name: string, help: string, read: (source: SourceStatus) => number): Family {
  return {
    name,
    help,
    type: 'gauge',
    *collect({ status }) {
      for (const source of status.sources) yield { labels: { source: source.name }, value: read(source) };
    },
  };
}

function counted(name: string, help: string, read: (source: SourceStatus) => number): Family {
  return { ...each(name, help, read), type: 'counter' };
}
