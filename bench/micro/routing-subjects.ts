/**
 * Routing under measurement: the same request among few and among very many routes, of the kinds that tables have.
 */

import { Random } from '../../src/lib/random.ts';
import type { RouteMatch } from '../../src/model/config.ts';
import { linkTable } from '../../src/proxy/decide/table.ts';
import { createEndpointDials } from '../../src/snapshot/endpoint-dials.ts';
import { type RouteSketch, sketchSnapshot } from '../../test/support/plane.ts';
import { readHead } from '../../test/support/proxy/parts.ts';
import type { Subject } from './measure.ts';

const ANY: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], query: [] };
/** The route that the request takes, present in every table. */
const MEANT = 7;
const NAME = `r${MEANT}`;

const REQUEST =
  `GET /area${MEANT}/cart/4711?ref=home HTTP/1.1\r\nHost: shop${MEANT}.example.com\r\nAccept: */*\r\n` +
  `X-Tenant: tenant${MEANT}\r\nUser-Agent: x\r\n\r\n`;

/** Kinds of tables: what tells route `i` from the others. */
const KINDS: Readonly<Record<string, (i: number) => Partial<RouteSketch>>> = {
  'a host each': (i) => ({ hostnames: [`shop${i}.example.com`], matches: [ANY] }),
  'a path each': (i) => ({ matches: [{ ...ANY, path: { type: 'PathPrefix', value: `/area${i}` } }] }),
  'a header value each': (i) => ({
    matches: [{ ...ANY, headers: [{ name: 'x-tenant', type: 'Exact', value: `tenant${i}` }] }],
  }),
};

function subjectOf(kind: string, count: number): Subject {
  const routes = Array.from({ length: count }, (_, i) => ({ name: `r${i}`, versions: [], ...KINDS[kind]?.(i) }));
  const noEndpoint = (): never => {
    throw new Error('these routes have no versions');
  };
  const balance = { capacities: createEndpointDials(), random: new Random(1) };
  const table = linkTable(sketchSnapshot({ routes }), noEndpoint, balance);
  return {
    name: `route among ${count.toLocaleString('en')} with ${kind}`,
    run: (times) => {
      const head = readHead(table, REQUEST);
      let kept = 0;
      for (let i = 0; i < times; i++) {
        kept += table.router.match(head, head.path, head.method)?.route.name === NAME ? 1 : 0;
      }
      if (kept !== times) throw new Error(`another route among ${count} with ${kind}`);
      return kept;
    },
  };
}

export const ROUTING_SUBJECTS: readonly Subject[] = Object.keys(KINDS).flatMap((kind) =>
  [10, 10_000].map((count) => subjectOf(kind, count)),
);
