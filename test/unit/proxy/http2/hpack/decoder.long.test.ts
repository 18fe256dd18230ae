/** Blocks between nghttp2, as `node:http2` brings it, and ours: its requests are decoded, and it decodes what is answered. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import { HeaderDecoder } from '#src/proxy/http2/hpack/decoder.ts';
import { HeaderEncoder } from '#src/proxy/http2/hpack/encoder.ts';
import { anyField } from '../../../../support/http/fuzz/hpack.ts';
import { ACK, END_HEADERS, END_STREAM, frame, HAS_PRIORITY, setting, TYPE } from '../../../../support/http/http2.ts';

const HEADER_TABLE_SIZE = 1;
const ANY = { countMax: 1e4, listBytesMax: 1e6 };

/** A server that has only its frames and our HPACK: it keeps the fields of each request and answers with those that are next. */
interface Peer {
  readonly port: number;
  readonly requests: string[][];
  readonly answers: string[][];
}

async function startPeer(t: TestContext, tableBytes: number): Promise<Peer> {
  const requests: string[][] = [];
  const answers: string[][] = [];
  const server = createServer((socket) => {
    t.after(() => socket.destroy());
    const decoder = new HeaderDecoder(tableBytes);
    const encoder = new HeaderEncoder();
    socket.write(frame(TYPE.settings, 0, 0, setting(HEADER_TABLE_SIZE, tableBytes)));
    let block: Buffer = Buffer.alloc(0);
    readFrames(socket, (type, flags, id, payload) => {
      if (type === TYPE.settings && (flags & ACK) === 0) {
        follow(encoder, payload);
        socket.write(frame(TYPE.settings, ACK, 0));
      }
      if (type === TYPE.headers) block = payload.subarray(flags & HAS_PRIORITY ? 5 : 0);
      else if (type === TYPE.continuation) block = Buffer.concat([block, payload]);
      else return;
      if ((flags & END_HEADERS) === 0) return;
      const fields: string[] = [];
      if (!decoder.decode(block, 0, block.length, fields, ANY) || decoder.isTooLarge) fields.push('an error');
      requests.push(fields);
      const answer = Buffer.alloc(16_384);
      const end = encoder.encode(answers[requests.length - 1] ?? [], answer, 0);
      socket.write(frame(TYPE.headers, END_STREAM | END_HEADERS, id, answer.subarray(0, end)));
    });
  });
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, requests, answers };
}

/** What a SETTINGS frame says of the table. */
function follow(encoder: HeaderEncoder, settings: Buffer): void {
  for (let at = 0; at < settings.length; at += 6) {
    if (settings.readUInt16BE(at) === HEADER_TABLE_SIZE) encoder.limitTable(settings.readUInt32BE(at + 2));
  }
}

function readFrames(socket: Socket, heard: (type: number, flags: number, id: number, payload: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  let skip = PREFACE.length;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= skip + 9 && rest.length >= skip + 9 + rest.readUIntBE(skip, 3)) {
      const end = skip + 9 + rest.readUIntBE(skip, 3);
      heard(
        rest[skip + 3] as number,
        rest[skip + 4] as number,
        rest.readUInt32BE(skip + 5),
        rest.subarray(skip + 9, end),
      );
      rest = rest.subarray(end);
      skip = 0;
    }
  });
}

/** Fields that `node:http2` sends and takes as they are: a name once, and no controls. */
function messageFields(random: Random, count: number): Map<string, string> {
  const fields = new Map<string, string>();
  for (let n = 0; n < count; n++) {
    const [name, value] = anyField(random);
    if (/^(?::|connection|host|te$|transfer-encoding)/.test(name)) continue;
    fields.set(
      /^(?:x-|vary|link|server|via|accept)/.test(name) ? name : `x-${name}`,
      value.replace(/[^!-~\xa1-\xff]/g, '_'),
    );
  }
  return fields;
}

async function exchange(client: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<string[]> {
  const stream = client.request(headers);
  const [, , raw] = (await once(stream, 'response')) as [unknown, unknown, string[]];
  stream.resume();
  return raw;
}

for (const tableBytes of [256, 4096, 65_536]) {
  test(`requests and answers are understood both ways with tables of ${tableBytes} bytes`, async (t) => {
    const random = new Random(tableBytes);
    const peer = await startPeer(t, tableBytes);
    const client = connect(`http://127.0.0.1:${peer.port}`, {
      maxDeflateDynamicTableSize: tableBytes,
      settings: { headerTableSize: tableBytes },
    });
    t.after(() => client.destroy());
    // Its first block must know the size of our table.
    await once(client, 'remoteSettings');
    for (let n = 0; n < 300; n++) {
      if (n % 20 === 19) {
        const headerTableSize = random.nextUint32() % 6000;
        await new Promise<void>((resolve) => client.settings({ headerTableSize }, () => resolve()));
      }
      const sent = messageFields(random, random.nextUint32() % 12);
      const answer = [
        [':status', `${200 + (random.nextUint32() % 9)}`],
        ...messageFields(random, random.nextUint32() % 12),
      ].flat();
      peer.answers.push(answer);
      const got = await exchange(client, {
        ':path': `/${random.nextUint32() % 5}`,
        ...Object.fromEntries(sent),
        'x-secret': 'a secret',
        [sensitiveHeaders]: ['x-secret'],
      });
      assert.deepEqual(got, answer, `answer ${n}`);
      const fields = peer.requests[n] as string[];
      const found = fields.flatMap((name, i) => (i % 2 === 0 && !name.startsWith(':') ? [[name, fields[i + 1]]] : []));
      assert.deepEqual(found, [...sent, ['x-secret', 'a secret']], `request ${n}`);
    }
  });
}
