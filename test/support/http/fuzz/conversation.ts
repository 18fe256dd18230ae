/**
 * A client of HTTP/2 that keeps to the rules and a server that answers as it likes, each by chance, on a session of the gateway's: and
 * what must be true of all they say. The client counts every window itself and knows each byte that it is to get, and the server
 * each that it is to be given, so that a byte too many, too few or in another place is noticed, and so is a window that is not
 * given back.
 * Source: RFC 9113 sections 5.1, 5.2, 6.9.
 */

import assert from 'node:assert/strict';
import { UPDATE_BYTES, WINDOW_BYTES, WINDOW_BYTES_MAX } from '#src/proxy/http2/frames.ts';
import { type Scene, sessionScene } from '../../proxy/wires/own-session.ts';
import {
  ACK,
  data,
  END_HEADERS,
  END_STREAM,
  ERROR,
  type Frame,
  frame,
  GET,
  headers,
  PADDED,
  request,
  setting,
  TYPE,
  word,
} from '../http2.ts';
import { assertBody, bodyOf, type Draw, Server } from './server.ts';

/** Streams that the client has open at a time, at most; and how many bytes of a body go into a frame. */
const STREAMS_MAX = 20;
const PAYLOAD_BYTES_MAX = 16_384;
const INITIAL_WINDOW = 4;
/** Turns after which all must have come to its end once nobody holds it up. */
const TURNS_MAX = 10_000;

/** A stream as the client sees it. */
interface Asked {
  readonly id: number;
  /** SETTINGS that were sent before it. */
  readonly behind: number;
  sendWindow: number;
  receiveWindow: number;
  sent: number;
  received: number;
  hasEnded: boolean;
  isAnswered: boolean;
  isOver: boolean;
}

export class Conversation {
  readonly #draw: Draw;
  readonly #scene: Scene;
  readonly #asked = new Map<number, Asked>();
  readonly #servers = new Map<number, Server>();
  readonly #windowBytes: number;
  /** What the client may send, and be sent, on the connection. */
  #sendWindow: number;
  #receiveWindow = WINDOW_BYTES;
  /** Of a stream as the last SETTINGS say; those that are not acknowledged, by how much they change it. */
  #initialWindow = WINDOW_BYTES;
  readonly #unheard: { readonly nth: number; readonly change: number }[] = [];
  #settings = 0;
  #lastId = -1;
  /** Said by the client, and not read. */
  #unread: Buffer = Buffer.alloc(0);

  constructor(draw: Draw, windowBytes: number) {
    this.#draw = draw;
    this.#windowBytes = windowBytes;
    this.#sendWindow = windowBytes;
    this.#scene = sessionScene({
      limits: { windowBytes, http2AbuseMax: 1e9 },
      begins: (stream) => {
        const server = new Server(stream, draw);
        stream.owner = server;
        this.#servers.set(stream.id, server);
      },
    });
  }

  get streamCount(): number {
    return this.#lastId === -1 ? 0 : (this.#lastId + 1) / 2;
  }

  /** Somebody does something. */
  step(): void {
    const draw = this.#draw;
    const one = draw(20);
    if (one < 3) this.#ask();
    else if (one < 7) this.#send(this.#anyAsked());
    else if (one === 7) this.#widen(this.#anyAsked());
    else if (one === 8) this.#widen(null);
    else if (one === 9) this.#resize(draw(4) === 0 ? 0 : draw(100_000));
    else if (one === 10 && draw(3) === 0) this.#reset(this.#anyAsked());
    else if (one === 11) this.#say(frame(TYPE.ping, 0, 0, Buffer.from('12345678')));
    else if (one < 14) this.#anyServer()?.read();
    else if (one < 17) this.#anyServer()?.answer();
    else if (one === 17) this.#giveUp(this.#anyServer());
    else if (one === 18) this.#block();
    else this.#anyServer()?.end();
    if (draw(3) > 0) this.#deliver(draw(this.#unread.length + 1));
    this.#hear();
  }

  /** Nobody holds anything up any more: all that was begun ends, and every window is open again. */
  finish(): void {
    this.#free();
    this.#resize(WINDOW_BYTES);
    this.#settle();
    // What the client was not told of yet is told with the byte that makes it enough for an update.
    const untold = this.#windowBytes - this.#sendWindow;
    assert.ok(untold >= 0 && untold < UPDATE_BYTES, `${untold} bytes of the window are missing`);
    this.#put(UPDATE_BYTES - untold);
    this.#settle();
    assert.equal(this.#sendWindow, this.#windowBytes, 'the window is what it was');
    this.#assertOver();
  }

  /** All that was begun comes to its end. */
  #settle(): void {
    for (let turn = 0; turn < TURNS_MAX && !this.#isOver; turn++) {
      for (const one of this.#asked.values()) {
        if (one.isOver) continue;
        if (!one.hasEnded) this.#end(one);
        if (one.receiveWindow < WINDOW_BYTES) this.#update(one, WINDOW_BYTES);
      }
      if (this.#receiveWindow < WINDOW_BYTES) this.#update(null, WINDOW_BYTES);
      this.#deliver(this.#unread.length);
      for (const server of this.#servers.values()) {
        // Of what was reset nobody reads anything.
        if (server.stream.isReset) continue;
        for (let n = 0; n < 20; n++) server.read();
        server.end();
      }
      this.#hear();
    }
    assert.ok(this.#isOver, `all end: ${JSON.stringify([...this.#asked.values()].filter(({ isOver }) => !isOver))}`);
  }

  #assertOver(): void {
    assert.equal(this.#scene.session.streamCount, 0);
    for (const [id, { isClosed, hasWaived, taken, stream }] of this.#servers) {
      assert.ok(isClosed, `the server of ${id} hears of its end`);
      if (!stream.isReset && !hasWaived) assert.equal(taken, this.#asked.get(id)?.sent);
    }
  }

  get #isOver(): boolean {
    return this.#unread.length === 0 && [...this.#asked.values()].every(({ isOver }) => isOver);
  }

  // ── the client ──────────────────────────────────────────────────────────────────────────────────────────────────

  #anyAsked(): Asked | null {
    const open = [...this.#asked.values()].filter(({ isOver }) => !isOver);
    return open[this.#draw(open.length + 1)] ?? null;
  }

  #say(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
  }

  #ask(): void {
    if ([...this.#asked.values()].filter(({ isOver }) => !isOver).length >= STREAMS_MAX) return;
    const hasEnded = this.#draw(3) === 0;
    const { id } = this.#begin(hasEnded);
    this.#say(hasEnded ? headers(id, GET) : headers(id, request('POST', '/'), END_HEADERS));
  }

  /** A request with a body of so many bytes. */
  #put(byteCount: number): void {
    const one = this.#begin(true);
    this.#say(headers(one.id, request('PUT', '/'), END_HEADERS));
    while (one.sent < byteCount) {
      const payload = bodyOf(one.id, one.sent, Math.min(byteCount, one.sent + PAYLOAD_BYTES_MAX));
      one.sent += payload.length;
      one.sendWindow -= payload.length;
      this.#sendWindow -= payload.length;
      this.#say(data(one.id, payload, one.sent === byteCount ? END_STREAM : 0));
    }
  }

  #begin(hasEnded: boolean): Asked {
    const id = this.#lastId + 2;
    this.#lastId = id;
    const one: Asked = {
      id,
      behind: this.#settings,
      sendWindow: WINDOW_BYTES,
      receiveWindow: this.#initialWindow,
      sent: 0,
      received: 0,
      hasEnded,
      isAnswered: false,
      isOver: false,
    };
    this.#asked.set(id, one);
    return one;
  }

  /** Some of a body, or its end. */
  #send(one: Asked | null): void {
    if (one === null || one.hasEnded) return;
    if (this.#draw(8) === 0) return this.#end(one);
    const room = Math.min(one.sendWindow, this.#sendWindow, PAYLOAD_BYTES_MAX);
    const padding = this.#draw(4) === 0 ? this.#draw(Math.max(1, Math.min(256, room))) : -1;
    const byteCount = this.#draw(Math.max(1, Math.min(room, this.#draw(3) === 0 ? room : 100) - padding));
    const payload = bodyOf(one.id, one.sent, one.sent + byteCount);
    const length = byteCount + padding + 1;
    if (length > room) return;
    one.sent += byteCount;
    one.sendWindow -= length;
    this.#sendWindow -= length;
    one.hasEnded = this.#draw(6) === 0;
    const end = one.hasEnded ? END_STREAM : 0;
    const padded = Buffer.concat([Buffer.from([padding & 0xff]), payload, Buffer.alloc(Math.max(0, padding))]);
    this.#say(padding < 0 ? data(one.id, payload, end) : frame(TYPE.data, PADDED | end, one.id, padded));
  }

  #end(one: Asked): void {
    one.hasEnded = true;
    this.#say(this.#draw(2) === 0 ? data(one.id, '') : headers(one.id, [['x-sum', '1']]));
  }

  #reset(one: Asked | null): void {
    if (one === null) return;
    one.isOver = true;
    this.#say(frame(TYPE.reset, 0, one.id, word(ERROR.cancel)));
  }

  #widen(one: Asked | null): void {
    this.#update(one, 1 + this.#draw(this.#draw(3) === 0 ? 100 : 50_000));
  }

  #update(one: Asked | null, byteCount: number): void {
    // As wide as any window that the client may still say there is.
    if (one === null) {
      if (this.#receiveWindow + byteCount > WINDOW_BYTES_MAX) return;
      this.#receiveWindow += byteCount;
    } else one.receiveWindow += byteCount;
    this.#say(frame(TYPE.window, 0, one === null ? 0 : one.id, word(byteCount)));
  }

  #resize(value: number): void {
    this.#settings++;
    this.#unheard.push({ nth: this.#settings, change: value - this.#initialWindow });
    this.#initialWindow = value;
    this.#say(frame(TYPE.settings, 0, 0, Buffer.concat([setting(INITIAL_WINDOW, value), setting(1, this.#draw(200))])));
  }

  // ── the server ──────────────────────────────────────────────────────────────────────────────────────────────────

  #anyServer(): Server | undefined {
    const all = [...this.#servers.values()].filter(({ isClosed }) => !isClosed);
    return all[this.#draw(all.length + 1)];
  }

  #giveUp(server: Server | undefined): void {
    if (server === undefined || this.#draw(4) > 0) return;
    if (this.#draw(2) === 0) server.cut();
    else server.waive();
  }

  /** The kernel takes nothing, or all again. */
  #block(): void {
    if (this.#scene.wire.isFull) this.#free();
    else this.#scene.wire.isFull = true;
  }

  #free(): void {
    this.#scene.wire.isFull = false;
    this.#scene.wire.waitingBytes = 0;
    this.#scene.session.sender.drain();
  }

  #deliver(byteCount: number): void {
    const bytes = this.#unread.subarray(0, byteCount);
    this.#unread = this.#unread.subarray(byteCount);
    if (bytes.length > 0) this.#scene.give(Buffer.from(bytes));
  }

  #hear(): void {
    assert.deepEqual(this.#scene.failed, []);
    for (const one of this.#scene.said()) this.#heard(one);
  }

  #heard({ type, flags, id, payload }: Frame): void {
    if (type === TYPE.settings) this.#acknowledged(flags);
    if (type === TYPE.goaway) assert.fail('the connection ends');
    if (type === TYPE.window && id === 0) this.#sendWindow += payload.readUInt32BE(0);
    const one = this.#asked.get(id);
    if (one === undefined) return;
    if (type === TYPE.headers) one.isAnswered = true;
    if (type === TYPE.window) {
      one.sendWindow += payload.readUInt32BE(0);
      assert.ok(one.sendWindow <= WINDOW_BYTES);
    }
    if (type === TYPE.data) {
      this.#receiveWindow -= payload.length;
      one.receiveWindow -= payload.length;
      assert.ok(one.isAnswered, 'a head comes first');
      assert.ok(payload.length === 0 || Math.min(this.#receiveWindow, one.receiveWindow) >= 0, 'within the windows');
      assertBody(id, one.received, payload);
      one.received += payload.length;
    }
    // Of what the client has reset some may be on its way.
    if (one.isOver) return;
    if (type === TYPE.reset) this.#wasReset(one);
    else if ((flags & END_STREAM) !== 0 && (type === TYPE.data || type === TYPE.headers)) this.#wasAnswered(one);
  }

  #acknowledged(flags: number): void {
    assert.equal(flags, ACK);
    const heard = this.#unheard.shift();
    assert.ok(heard !== undefined, 'what is acknowledged was said');
    for (const one of this.#asked.values()) if (one.behind < heard.nth) one.receiveWindow += heard.change;
  }

  #wasReset(one: Asked): void {
    assert.ok(this.#servers.get(one.id)?.hasWaived, `stream ${one.id} is reset by nobody else`);
    one.isOver = true;
    one.hasEnded = true;
  }

  #wasAnswered(one: Asked): void {
    assert.equal(one.received, this.#servers.get(one.id)?.written, `all of stream ${one.id}`);
    // The rest of the request is still to come, or not wanted.
    if (one.hasEnded) one.isOver = true;
    else this.#answeredEarly(one);
  }

  /** The client ends its request, if it is not told to leave it. */
  #answeredEarly(one: Asked): void {
    if (this.#servers.get(one.id)?.hasWaived) return;
    this.#end(one);
    one.isOver = true;
  }
}
