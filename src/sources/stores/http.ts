/**
 * A document behind a URL, asked for again and again: with `If-None-Match`, so that most answers are a 304 without it, every
 * thirtieth time without.
 *
 * Its signature is behind the same URL with `.sig` after the path, and asked for only where signatures are verified.
 */

import { createHash } from 'node:crypto';
import { DOCUMENT_BYTES_MAX } from '../document/read.ts';
import { SIGNATURE_CHARS_MAX } from '../document/signature/signature.ts';
import { fileOfUrl, SIGNATURE_ENDING } from '../document/signature/subject.ts';
import { spreadMs } from '../follow/pace.ts';
import type { Listing, Piece, Store, WatchWord } from '../follow/source.ts';
import { StoreClient } from './client.ts';
import { nameOfSource } from './name.ts';
import { pause } from './pause.ts';
import type { HttpSettings } from './settings.ts';

const ASK_MS = 10_000;
/** So often the document is asked for whatever its validator says: one that stays the same over a change would hide it for ever. */
const WHOLE_EVERY = 30;

/**
 * Opens the store; nothing is asked yet.
 * @param draw uniform in [0, 1)
 * @param isSigned its signature is asked for too
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates)
 */
export function openHttp(settings: HttpSettings, draw: () => number, isSigned = false): Store {
  const name = nameOfSource(settings);
  let polls = 0;
  const client = new StoreClient({ name, tls: settings.tls, secrets: [settings.token] });
  const place = new RemotePlace(client, settings, isSigned);
  return {
    kind: 'http',
    name,
    isForeign: true,
    isPolled: true,
    list: (signal) => place.list(signal, true),
    watch: async (revision, signal): Promise<WatchWord> => {
      await pause(spreadMs(settings.intervalMs, draw()), signal);
      polls += 1;
      const listing = await place.list(signal, polls % WHOLE_EVERY === 0);
      return listing.revision === revision ? { kind: 'same' } : { kind: 'listing', listing };
    },
    close: () => client.close(),
  };
}

/** A document and its signature; which of them was written last, nobody can tell. */
class RemotePlace {
  readonly #name: string;
  readonly #file: string;
  readonly #document: RemoteText;
  readonly #signature: RemoteText | null;

  constructor(client: StoreClient, settings: HttpSettings, isSigned: boolean) {
    this.#name = nameOfSource(settings);
    this.#file = fileOfUrl(settings.url);
    this.#document = new RemoteText(client, settings, { ending: '', bytesMax: DOCUMENT_BYTES_MAX, isNeeded: true });
    const beside = { ending: SIGNATURE_ENDING, bytesMax: SIGNATURE_CHARS_MAX, isNeeded: false };
    this.#signature = isSigned ? new RemoteText(client, settings, beside) : null;
  }

  /** @param isFresh without `If-None-Match` */
  async list(signal: AbortSignal, isFresh: boolean): Promise<Listing> {
    const text = (await this.#document.read(signal, isFresh)) ?? '';
    const signature = (await this.#signature?.read(signal, isFresh)) ?? null;
    const pieces: Piece[] = [{ name: this.#name, mount: { kind: 'root', file: this.#file }, text }];
    if (signature !== null) {
      const mount = { kind: 'signature', of: this.#file } as const;
      pieces.push({ name: this.#name + SIGNATURE_ENDING, mount, text: signature });
    }
    const hash = createHash('sha256');
    for (const piece of pieces) hash.update(`${piece.text.length} `).update(piece.text);
    return { pieces, revision: hash.digest('hex').slice(0, 16) };
  }
}

interface Answering {
  /** After the path of the URL. */
  readonly ending: string;
  readonly bytesMax: number;
  /** Without it there is nothing to be had; else a 404 says that there is none. */
  readonly isNeeded: boolean;
}

class RemoteText {
  readonly #client: StoreClient;
  readonly #settings: HttpSettings;
  readonly #answering: Answering;
  /** What was answered last, and its validator. */
  #text = '';
  #etag = '';

  constructor(client: StoreClient, settings: HttpSettings, answering: Answering) {
    this.#client = client;
    this.#settings = settings;
    this.#answering = answering;
  }

  /** Null: there is none. */
  async read(signal: AbortSignal, isFresh: boolean): Promise<string | null> {
    const { url, token } = this.#settings;
    const { ending, bytesMax, isNeeded } = this.#answering;
    const { origin, pathname, search } = new URL(url);
    const isKnown = !isFresh && this.#etag !== '';
    const answer = await this.#client.ask({
      origin,
      path: `${pathname}${ending}${search}`,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(isKnown ? { 'if-none-match': this.#etag } : {}),
      },
      signal,
      timeoutMs: ASK_MS,
      bytesMax,
    });
    if (answer.status === 304 && isKnown) return this.#text;
    this.#etag = '';
    if (answer.status === 404 && !isNeeded) return null;
    if (answer.status !== 200)
      throw this.#client.refusal({ ...answer, text: placeOf(answer.headers.get('location'), url) });
    this.#text = answer.text;
    this.#etag = answer.headers.get('etag') ?? '';
    return answer.text;
  }
}

/** Where an answer sends whoever asked, without a query, which may hold a signature. */
function placeOf(location: string | undefined, base: string): string {
  if (location === undefined || !URL.canParse(location, base)) return '';
  const { origin, pathname } = new URL(location, base);
  return origin === new URL(base).origin ? pathname : `${origin}${pathname}`;
}
