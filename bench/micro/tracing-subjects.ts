/**
 * What tracing adds to a request: where there are no traces, where one of a hundred is drawn, and where all are.
 */

import { Random } from '../../src/lib/random.ts';
import { Exchange } from '../../src/proxy/exchange.ts';
import { FreshLines } from '../../src/proxy/header/fresh.ts';
import { Tracer } from '../../src/proxy/record/trace/tracer.ts';
import { bench, get, peerOf, readHead } from '../../test/support/proxy/parts.ts';
import type { Subject } from './measure.ts';

const on = bench();
const fresh = new FreshLines(new Random(1));
const client = { lane: on.lane, lines: { peer: peerOf(), protocol: '1.1' } };

/** A request from its head to its end, as far as tracing has a part in it. */
function subject(name: string, sampleRatio: number): Subject {
  const tracer = new Tracer(1);
  tracer.configure({ sampleRatio, parent: 'nobody', propagators: ['tracecontext'], query: 'redact' });
  tracer.connect(() => tracer.taken());
  return {
    name,
    run: (n) => {
      const head = readHead(on.table, get('/checkout/cart/4711?ref=home'));
      let kept = 0;
      for (let i = 0; i < n; i++) {
        const x = new Exchange(client as unknown as Exchange['client'], on.table, 0);
        x.take(head);
        kept += tracer.begin(x, head, fresh.next()).length;
        x.status = 200;
        x.endedAtMs = 1;
        tracer.end(x);
      }
      return kept;
    },
  };
}

export const TRACING_SUBJECTS: readonly Subject[] = [
  subject('trace no request', 0),
  subject('trace 1 of 100 requests', 0.01),
  subject('trace every request', 1),
];
