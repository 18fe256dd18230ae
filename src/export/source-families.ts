/**
 * Metric families of what is read from outside: the configuration's sources, where each stands, how stale it is, what it holds,
 * how fast it takes effect; certificates, when they end and whether their files can be used; and how connections begin.
 */

import { SOURCE_STATES, type SourceStatus } from '../model/status.ts';
import { HTTP2_ABUSES, HTTP2_WORD } from '../model/threads/load/http2.ts';
import { PROXY_HEADER_RESULTS } from '../model/threads/proxied.ts';
import { HANDSHAKE_RESULTS } from '../model/threads/tls.ts';
import type { Family } from './family.ts';

const LISTENER_STATES = ['serving', 'kept', 'shut'] as const;

export const SOURCE_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_source_state',
    help: '1 for the state that the following of a source is in, 0 for the others',
    type: 'gauge',
    labels: ['source', 'state'],
    *collect({ status }) {
      for (const { name, state } of status.sources) {
        for (const one of SOURCE_STATES) yield { labels: { source: name, state: one }, value: one === state ? 1 : 0 };
      }
    },
  },
  each(
    'sluice_source_stale_seconds',
    'Time since a source last said that what is held is what it holds, also to the process before; since the start, if it never did',
    ({ staleMs }) => staleMs / 1000,
  ),
  each(
    'sluice_source_stale_start_seconds',
    'Time since a lookup last confirmed to the process before what is gone on with until it answers; 0: it has, or there is nothing',
    ({ staleStart }) => (staleStart?.confirmedMs ?? 0) / 1000,
  ),
  {
    name: 'sluice_source_revision_info',
    help: 'What is held of a source: its revision and content hash; always 1',
    type: 'info',
    labels: ['hash', 'kind', 'revision', 'source'],
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
    collect: ({ status: { apply } }) => {
      const finite = apply.buckets.map(({ leMs, count }) => ({ le: leMs / 1000, count }));
      return [
        { labels: {}, value: { buckets: [...finite, { le: Infinity, count: apply.count }], sum: apply.sumMs / 1000 } },
      ];
    },
  },
  {
    name: 'sluice_certificate_expiry_timestamp_seconds',
    help: 'When a certificate of a listener ends, as a time of Unix; certificates by their number in the configuration',
    type: 'gauge',
    labels: ['certificate', 'listener'],
    *collect({ status }) {
      for (const { address, certificates } of status.tls.listeners) {
        for (const [n, { notAfter }] of certificates.entries()) {
          yield { labels: { listener: address, certificate: n }, value: Date.parse(notAfter) / 1000 };
        }
      }
    },
  },
  {
    name: 'sluice_ocsp_response_expiry_timestamp_seconds',
    help: 'When the OCSP response of a certificate of a listener ends, as a time of Unix; then it is not stapled any more',
    type: 'gauge',
    labels: ['certificate', 'listener'],
    *collect({ status }) {
      for (const { address, certificates } of status.tls.listeners) {
        for (const [n, { staple }] of certificates.entries()) {
          if (staple === null || staple.nextUpdate === null) continue;
          yield { labels: { listener: address, certificate: n }, value: Date.parse(staple.nextUpdate) / 1000 };
        }
      }
    },
  },
  {
    name: 'sluice_listener_tls_state',
    help: '1 for the state that the files of a listener are in, 0 for the others (docs/TLS.md)',
    type: 'gauge',
    labels: ['listener', 'state'],
    *collect({ status }) {
      for (const { address, state } of status.tls.listeners) {
        for (const one of LISTENER_STATES)
          yield { labels: { listener: address, state: one }, value: one === state ? 1 : 0 };
      }
    },
  },
  {
    name: 'sluice_tls_reloads_total',
    help: 'How often the files of certificates were found changed, by whether they could be used',
    type: 'counter',
    labels: ['result'],
    *collect({ status }) {
      for (const result of ['done', 'failed'] as const) yield { labels: { result }, value: status.tls.reloads[result] };
    },
  },
  {
    name: 'sluice_tls_handshakes_total',
    help: 'Connections to listeners with TLS, by what came of them (docs/TLS.md)',
    type: 'counter',
    labels: ['result'],
    *collect({ handshakes }) {
      for (const [n, result] of HANDSHAKE_RESULTS.entries()) yield { labels: { result }, value: handshakes[n] ?? 0 };
    },
  },
  {
    name: 'sluice_proxy_headers_total',
    help: 'Connections that begin with a PROXY header, by what came of them (docs/CLIENT-IP.md)',
    type: 'counter',
    labels: ['result'],
    *collect({ proxyHeaders }) {
      for (const [n, result] of PROXY_HEADER_RESULTS.entries())
        yield { labels: { result }, value: proxyHeaders[n] ?? 0 };
    },
  },
  {
    name: 'sluice_http2_connections_total',
    help: 'Connections of clients that spoke HTTP/2',
    type: 'counter',
    *collect({ http2 }) {
      yield { labels: {}, value: http2[HTTP2_WORD.connections] ?? 0 };
    },
  },
  {
    name: 'sluice_http2_requests_total',
    help: 'Requests that came over HTTP/2, malformed ones included',
    type: 'counter',
    *collect({ http2 }) {
      yield { labels: {}, value: http2[HTTP2_WORD.requests] ?? 0 };
    },
  },
  {
    name: 'sluice_http2_abuses_total',
    help: 'Connections and streams of HTTP/2 that were ended because of what their client did (docs/HTTP2.md)',
    type: 'counter',
    labels: ['kind'],
    *collect({ http2 }) {
      for (const [n, kind] of HTTP2_ABUSES.entries()) {
        yield { labels: { kind }, value: http2[HTTP2_WORD.abuses + n] ?? 0 };
      }
    },
  },
];

function each(name: string, help: string, read: (source: SourceStatus) => number): Family {
  return {
    name,
    help,
    type: 'gauge',
    labels: ['source'],
    *collect({ status }) {
      for (const source of status.sources) yield { labels: { source: source.name }, value: read(source) };
    },
  };
}

function counted(name: string, help: string, read: (source: SourceStatus) => number): Family {
  return { ...each(name, help, read), type: 'counter' };
}
