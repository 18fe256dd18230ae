/**
 * What clients of HTTP/2 say, and what nobody should: frames to cut, repeat and spoil.
 */

import { PREFACE } from '#src/proxy/http2/frames.ts';
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  HAS_PRIORITY,
  headers,
  PADDED,
  request,
  setting,
  TYPE,
  word,
} from '../http2.ts';

/** A client's usual words, in frames: what a session is cut at, and what mutations begin with. */
export const STORY: readonly Buffer[] = [
  Buffer.from(PREFACE),
  frame(TYPE.settings, 0, 0, Buffer.concat([setting(4, 1000), setting(1, 0)])),
  frame(TYPE.window, 0, 0, word(100_000)),
  headers(1, GET),
  headers(3, request('POST', '/'), END_HEADERS),
  data(3, 'some', 0),
  frame(TYPE.ping, 0, 0, Buffer.from('12345678')),
  headers(5, request('POST', '/parts'), 0),
  frame(TYPE.continuation, END_HEADERS, 5, block([['x-y', 'z'.repeat(200)]])),
  frame(TYPE.data, PADDED, 5, Buffer.concat([Buffer.from([9]), Buffer.from('padded'), Buffer.alloc(9)])),
  frame(
    TYPE.headers,
    END_STREAM | END_HEADERS | HAS_PRIORITY,
    7,
    Buffer.concat([word(3), Buffer.from([7]), block(GET)]),
  ),
  frame(TYPE.priority, 0, 9, Buffer.concat([word(7), Buffer.from([1])])),
  headers(3, [['x-sum', '42']]),
  frame(TYPE.window, 0, 5, word(500)),
  frame(0x99, 0xff, 5, Buffer.from('unknown')),
  frame(TYPE.reset, 0, 5, word(8)),
  frame(TYPE.settings, ACK, 0),
  frame(TYPE.settings, 0, 0, setting(4, 10)),
  data(9, '', 0),
];

/** Changes, repeats, drops, moves or invents a frame. */
export function mutateFrames(frames: Buffer[], draw: (below: number) => number): void {
  const at = draw(frames.length);
  const one = frames[at] as Buffer;
  switch (draw(6)) {
    case 0:
      if (one.length > 0) one[draw(one.length)] = draw(256);
      break;
    case 1:
      frames.splice(at, 0, Buffer.from(one));
      break;
    case 2:
      if (frames.length > 1) frames.splice(at, 1);
      break;
    case 3:
      frames.push(...frames.splice(at, 1));
      break;
    case 4:
      frames[at] = frame(draw(11), draw(256), draw(12), one.subarray(Math.min(9, one.length)));
      break;
    default:
      frames[at] = Buffer.from(Array.from({ length: draw(64) }, () => draw(256)));
  }
}
