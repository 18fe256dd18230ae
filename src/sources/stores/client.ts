/**
 * An HTTP client for stores: every question bounded in time and bytes, every failure in words without a secret in them.
 *
 * Redirects are not followed: a store that sends its readers elsewhere is to be named where it is.
 */

import { readFileSync } from 'node:fs';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { handshakeWords, type TlsFields } from '../../lib/text/handshake.ts';
import { type ServerName, serverNameOf } from '../../lib/text/server-name.ts';
import { rest } from '../../lib/threads/rest.ts';
import { SluiceError } from '../../model/problem.ts';
import type { TlsSettings } from './settings.ts';

const CONNECT_MS = 5000;
const HEAD_BYTES_MAX = 65_536;
/** Text of an answer that a message repeats. */
const SHOWN_CHARS_MAX = 160;
/** As settings call them. */
export const TLS_FIELDS: TlsFields = { ca: 'tls.ca', cert: 'tls.cert', serverName: 'tls.serverName' };

export interface ClientOptions {
  /** What failures call the store. */
  readonly name: string;
  readonly tls: TlsSettings | null;
  /** Never shown, wherever they turn up. */
  readonly secrets: readonly (string | null)[];
  /** Default `TLS_FIELDS`. */
  readonly tlsFields?: TlsFields;
}

export interface Question {
  readonly origin: string;
  readonly path: string;
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Of the whole exchange; of one that is streamed, until its head. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

export interface Answer {
  readonly status: number;
  /** One value of each field, by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** A connection, or a few, to one store. */
export class StoreClient {
  readonly #options: ClientOptions;
  readonly #agent: Agent;

  /** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when a certificate cannot be read */
  constructor(options: ClientOptions) {
    this.#options = options;
    checkTls(options);
    this.#agent = new Agent({
      allowH2: false,
      maxHeaderSize: HEAD_BYTES_MAX,
      // The limits of time are ours, and those of the client coarser.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: connectorOf(options.tls),
    });
  }

  /**
   * Asks, and reads the whole answer, whatever its status is.
   * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` that says why there is none
   */
  async ask(question: Question): Promise<Answer> {
    const { timeoutMs, bytesMax } = question;
    const limit = withTimeout(question.signal, timeoutMs);
    try {
      const response = await this.#request(question, limit.signal);
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > bytesMax) throw new Error(`an answer of more than ${bytesMax} bytes`);
        chunks.push(chunk);
      }
      return { status: response.statusCode, headers: headersOf(response), text: utf8(Buffer.concat(chunks)) };
    } catch (error) {
      throw this.#failed(error, limit.isLate() ? `no answer within ${timeoutMs} ms` : null);
    } finally {
      limit.end();
    }
  }

  /**
   * Asks, and gives the lines of the answer as they come.
   * @param bytesMax of one line
   * @throws SluiceError `SLU_SOURCE_UNAVAILABLE`
   */
  async *lines(question: Question): AsyncGenerator<string> {
    const { timeoutMs, bytesMax, signal } = question;
    const limit = withTimeout(signal, timeoutMs);
    try {
      const response = await this.#request(question, limit.signal);
      limit.stop();
      const decoder = new TextDecoder('utf-8', { fatal: true });
      let begun = '';
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const parts = (begun + decoder.decode(chunk, { stream: true })).split('\n');
        begun = parts.pop() as string;
        if (begun.length > bytesMax) throw new Error(`a line of more than ${bytesMax} bytes`);
        yield* parts;
      }
      if (begun !== '') yield begun;
    } catch (error) {
      throw this.#failed(error, limit.isLate() ? `no answer within ${timeoutMs} ms` : null);
    } finally {
      limit.end();
    }
  }

  /** A failure in words. */
  failure(why: string, cause?: unknown): SluiceError {
    const { name } = this.#options;
    return new SluiceError('SLU_SOURCE_UNAVAILABLE', `${name}: ${this.#clean(why)}`, { cause });
  }

  /** @param late null: the time is not over */
  #failed(error: unknown, late: string | null): SluiceError {
    const { tlsFields = TLS_FIELDS } = this.#options;
    const ofTls = error instanceof Error ? handshakeWords(error, tlsFields) : null;
    return this.failure(late ?? (ofTls === null ? wordOf(error) : `TLS handshake failed: ${ofTls}`), error);
  }

  /** A status that was not expected, with the first words of its answer. */
  refusal({ status, text }: Answer): SluiceError {
    return this.failure(`status ${status}${text === '' ? '' : `: ${text}`}`);
  }

  /** Ends every connection. Idempotent. */
  close(): void {
    this.#agent.destroy().catch(() => undefined);
  }

  #request({ origin, path, method = 'GET', headers, body }: Question, signal: AbortSignal) {
    rest();
    const head = { 'user-agent': 'sluice', accept: '*/*', ...headers };
    return this.#agent.request({ origin, path, method, headers: head, body: body ?? null, signal });
  }

  /** One line of bounded length without any secret. */
  #clean(text: string): string {
    let clean = text;
    for (const secret of this.#options.secrets) {
      if (secret !== null && secret !== '') clean = clean.replaceAll(secret, '[redacted]');
    }
    clean = clean.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
    return clean.length <= SHOWN_CHARS_MAX ? clean : `${clean.slice(0, SHOWN_CHARS_MAX)}…`;
  }
}

/** Whether a status says that certainly nothing was done; a time that ran out (408) does not. */
export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408;
}

interface Limit {
  readonly signal: AbortSignal;
  readonly isLate: () => boolean;
  /** From here on, only the caller's signal counts. */
  readonly stop: () => void;
  readonly end: () => void;
}

/** Nobody hears of it; made once, as an abort without a reason makes one each time, with its stack. */
const ENDED = new Error('ended');

/** Aborts with `signal`, or when the time is up. */
function withTimeout(signal: AbortSignal, timeoutMs: number): Limit {
  const controller = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    controller.abort();
  }, timeoutMs);
  timer.unref();
  const abort = (): void => controller.abort();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    isLate: () => isLate,
    stop: () => clearTimeout(timer),
    end: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      // What is still under way (a stream whose reader has seen enough) ends here.
      controller.abort(ENDED);
    },
  };
}

function headersOf({ headers }: Dispatcher.ResponseData): Map<string, string> {
  return new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat()[0] ?? '']));
}

function utf8(bytes: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** The system's word where there is one, `ECONNREFUSED`; else the message. */
function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = '', syscall = '' } = error as NodeJS.ErrnoException;
  return syscall === '' ? error.message : `${syscall} ${code}`;
}

/** As `tls.connect` takes it: contents of files, in PEM, and whose certificate is believed where it is not the host's. */
export interface TlsOptions extends Partial<ServerName> {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Files of settings as they are now: certificates are replaced where they lie. None: no options. @throws Error that names the file */
export function readTls(tls: TlsSettings | null): TlsOptions {
  if (tls === null) return {};
  const { ca, cert, key, serverName } = tls;
  const options: { -readonly [option in keyof TlsOptions]: TlsOptions[option] } =
    serverName === null ? {} : serverNameOf(serverName);
  for (const [option, file] of Object.entries({ ca, cert, key }) as ['ca' | 'cert' | 'key', string | null][]) {
    if (file === null) continue;
    try {
      options[option] = readFileSync(file, 'utf8');
    } catch (error) {
      throw new Error(`cannot read ${file}: ${wordOf(error)}`, { cause: error });
    }
  }
  return options;
}

/** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when a file of the settings cannot be read */
export function checkTls({ name, tls }: Pick<ClientOptions, 'name' | 'tls'>): void {
  try {
    readTls(tls);
  } catch (error) {
    throw new SluiceError('SLU_SOURCE_UNAVAILABLE', `${name}: ${wordOf(error)}`, { cause: error });
  }
}

/** Connects with the files as they are then; one that cannot be read, or does not fit another, fails the connection. */
function connectorOf(tls: TlsSettings | null): buildConnector.connector {
  if (tls === null) return buildConnector({ timeout: CONNECT_MS });
  return (target, connected) => {
    try {
      buildConnector({ timeout: CONNECT_MS, ...readTls(tls) })(target, connected);
    } catch (error) {
      connected(error as Error, null);
    }
  };
}
