/** Connections of HTTP/2 on which the gateway's own code fails. In a process of its own: the first defect of a thread is told. */

import { describe, it } from 'node:test';
import { ClientStream } from '#src/proxy/http2/stream.ts';
import { headers, isAnswered, rawHttp2, request } from '../../../support/http/http2.ts';
import { eventually, heldOf, oneVersion, planeOf } from '../../../support/proxy/running.ts';

/** What the process was warned of. */
const warnings: string[] = [];
process.on('warning', (warning: Error) => void warnings.push(warning.message));

describe('a connection of HTTP/2', () => {
  it('that meets a defect of ours ends, and nobody else’s does', async (t) => {
    const held = await heldOf(t);
    const plane = await planeOf(t, { ...oneVersion(held.upstream.port), http2: true });
    const innocent = rawHttp2(t, plane.port);
    innocent.send(headers(1, request('GET', '/1')));
    await eventually(() => held.paths.length === 1, 'it is under way');
    const begin = Reflect.get(ClientStream.prototype, 'begin');
    t.mock.method(ClientStream.prototype, 'begin', function (this: ClientStream, fields: readonly string[]) {
      if (fields.includes('/defect')) throw new Error('nobody expected this');
      begin.call(this, fields);
    });
    const client = rawHttp2(t, plane.port);
    client.send(headers(1, request('GET', '/defect')));
    await client.closed();
    await eventually(() => warnings.includes('nobody expected this'), 'it is told');
    await eventually(() => plane.plane.listener.connections === 1, 'it is gone');
    held.answer(0);
    await innocent.until((frames) => isAnswered(frames, 1));
  });
});
