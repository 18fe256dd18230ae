/**
 * A document behind a URL, asked for again and again: with `If-None-Match`, so that most answers are a 304 without it.
 */

import { createHash } from 'node:crypto';
import { DOCUMENT_BYTES_MAX } from '../document/read.ts';
import { spreadMs } from '../follow/pace.ts';
import type { Listing, Store, WatchWord } from '../follow/source.ts';
import { StoreClient } from './client.ts';
import { nameOfSource } from './name.ts';
import { pause } from './pause.ts';
import type { HttpSettings } from './settings.ts';

const ASK_MS = 10_000;

/**
 * Opens the store; nothing is asked yet.
 * @param draw uniform in [0, 1)
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates)
 */
export function openHttp(settings: HttpSettings, draw: () => number): Store {
  const document = new RemoteDocument(settings);
  return {
    kind: 'http',
    name: document.name,
    isForeign: true,
    list: async (signal) => (await document.read('', signal)) ?? document.empty(),
    watch: async (revision, signal): Promise<WatchWord> => {
      await pause(spreadMs(settings.intervalMs, draw()), signal);
      const listing = await document.read(revision, signal);
      return listing === null || listing.revision === revision ? { kind: 'same' } : { kind: 'listing', listing };
    },
    close: () => document.client.close(),
  };
}

class RemoteDocument {
  readonly name: string;
  readonly client: StoreClient;
  readonly #settings: HttpSettings;
  /** The validator of the revision that was read last. */
  #etag = '';
  #etagOf = '';

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    this.name = nameOfSource(settings);
    this.client = new StoreClient({ name: this.name, tls: settings.tls, secrets: [settings.token] });
  }

  /** The document; null when it is still the one of `revision`. */
  async read(revision: string, signal: AbortSignal): Promise<Listing | null> {
    const { url, token } = this.#settings;
    const { origin, pathname, search } = new URL(url);
    const isKnown = this.#etag !== '' && this.#etagOf === revision;
    const answer = await this.client.ask({
      origin,
      path: `${pathname}${search}`,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(isKnown ? { 'if-none-match': this.#etag } : {}),
      },
      signal,
      timeoutMs: ASK_MS,
      bytesMax: DOCUMENT_BYTES_MAX,
    });
    if (answer.status === 304 && isKnown) return null;
    if (answer.status !== 200) throw this.client.refusal({ ...answer, text: answer.headers.get('location') ?? '' });
    const hash = createHash('sha256').update(answer.text).digest('hex').slice(0, 16);
    this.#etag = answer.headers.get('etag') ?? '';
    this.#etagOf = hash;
    return { pieces: [{ name: this.name, mount: { kind: 'root' }, text: answer.text }], revision: hash };
  }

  /** Without a question about a revision there is no 304. */
  empty(): Listing {
    throw this.client.failure('status 304 without a condition');
  }
}
