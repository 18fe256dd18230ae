/**
 * Reads an OCSP response: whether it says of one certificate that it is good, and from when until when. Pure.
 *
 * Strict: DER with definite lengths, nothing left over anywhere. Its signature is not verified, as the issuer's certificate
 * need not be among the files; clients verify it.
 * Source: RFC 6960 section 4.2.1; ITU-T X.690 sections 8.1 and 10.1.
 */

/** When a response is to be shown. */
export interface Staple {
  readonly thisUpdateMs: number;
  /** null: it names no end. */
  readonly nextUpdateMs: number | null;
}

/** Tags of X.690; the context's own by their number, primitive and constructed. */
const TAG = { integer: 0x02, bitString: 0x03, octets: 0x04, oid: 0x06, enumerated: 0x0a, time: 0x18, sequence: 0x30 };
const own = (number: number): number => 0x80 | number;
const explicit = (number: number): number => 0xa0 | number;

/** id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1. */
const BASIC = '2b0601050507300101';
const STATUS_NAMES = ['successful', 'malformedRequest', 'internalError', 'tryLater', '', 'sigRequired', 'unauthorized'];
/** A length of more bytes is none of a file that is read. */
const LENGTH_BYTES_MAX = 4;

/**
 * What a response says of the certificate.
 * @param serialNumber of the certificate, hex
 * @throws Error that says why the response cannot be stapled for it
 */
export function stapleOf(response: Uint8Array, serialNumber: string): Staple {
  const outer = new Values(response);
  const parts = outer.into(TAG.sequence);
  outer.end();
  const status = parts.take(TAG.enumerated);
  if (status.length !== 1 || status[0] !== 0) {
    const number = status[0] ?? 0;
    throw new Error(`a response that says ${STATUS_NAMES[number] || `status ${number}`}, not successful`);
  }
  const wrapped = parts.into(explicit(0));
  parts.end();
  const typed = wrapped.into(TAG.sequence);
  wrapped.end();
  if (hexOf(typed.take(TAG.oid)) !== BASIC) throw new Error('a response of another type than id-pkix-ocsp-basic');
  const basic = new Values(typed.take(TAG.octets));
  typed.end();
  const single = answersOf(basic).find(({ serial }) => serial === hexOfSerial(serialNumber));
  if (single === undefined)
    throw new Error(`a response that is not for the certificate, whose serial number is ${serialNumber}`);
  if (single.status !== '') throw new Error(`a response that says the certificate ${single.status}`);
  const { thisUpdateMs, nextUpdateMs } = single;
  return { thisUpdateMs, nextUpdateMs };
}

interface Answer extends Staple {
  /** Hex without leading zeros. */
  readonly serial: string;
  /** Empty: good. */
  readonly status: string;
}

/** A BasicOCSPResponse. */
function answersOf(basic: Values): Answer[] {
  const signed = basic.into(TAG.sequence);
  basic.end();
  const data = signed.into(TAG.sequence);
  signed.take(TAG.sequence);
  signed.take(TAG.bitString);
  signed.maybe(explicit(0));
  signed.end();
  data.maybe(explicit(0));
  // The responder, by its name or by its key.
  if (data.maybe(explicit(1)) === null) data.take(explicit(2));
  timeOf(data.take(TAG.time));
  const singles = data.into(TAG.sequence);
  data.maybe(explicit(1));
  data.end();
  const answers: Answer[] = [];
  while (!singles.isEmpty) answers.push(answerOf(singles.into(TAG.sequence)));
  return answers;
}

/** A SingleResponse. */
function answerOf(single: Values): Answer {
  const id = single.into(TAG.sequence);
  id.take(TAG.sequence);
  id.take(TAG.octets);
  id.take(TAG.octets);
  const serial = hexOfSerial(hexOf(id.take(TAG.integer)));
  id.end();
  const status = statusOf(single);
  const thisUpdateMs = timeOf(single.take(TAG.time));
  const next = single.maybe(explicit(0));
  const nextUpdateMs = next === null ? null : timeOf(onlyOf(next, TAG.time));
  single.maybe(explicit(1));
  single.end();
  return { serial, status, thisUpdateMs, nextUpdateMs };
}

/** A CertStatus; empty: good. */
function statusOf(single: Values): string {
  const good = single.maybe(own(0));
  if (good !== null && good.length > 0) throw new Error(NO_DER);
  if (good !== null) return '';
  const revoked = single.maybe(explicit(1));
  if (revoked !== null) return `was revoked at ${new Date(timeOf(new Values(revoked).take(TAG.time))).toISOString()}`;
  single.take(own(2));
  return 'is unknown';
}

/** `20261122090818Z`: DER allows no other form that these times may have. Source: RFC 5280 section 4.1.2.5.2. */
function timeOf(content: Uint8Array): number {
  const text = Buffer.from(content).toString('latin1');
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const ms = iso === text ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(ms)) throw new Error(NO_DER);
  return ms;
}

function onlyOf(content: Uint8Array, tag: number): Uint8Array {
  const values = new Values(content);
  const only = values.take(tag);
  values.end();
  return only;
}

function hexOf(content: Uint8Array): string {
  return Buffer.from(content).toString('hex');
}

function hexOfSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+/, '');
}

const NO_DER = 'no OCSP response in DER';

/** Values of DER, one after the other. Whatever is not as it is asked for throws. */
class Values {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The content of the next value, which has that tag. */
  take(tag: number): Uint8Array {
    const content = this.maybe(tag);
    if (content === null) throw new Error(NO_DER);
    return content;
  }

  /** The same; null where the next value has another tag, or there is none. */
  maybe(tag: number): Uint8Array | null {
    if (this.#bytes[this.#at] !== tag) return null;
    this.#at += 1;
    const length = this.#length();
    const content = this.#bytes.subarray(this.#at, this.#at + length);
    if (content.length < length) throw new Error(NO_DER);
    this.#at += length;
    return content;
  }

  /** The values that the next one is made of. */
  into(tag: number): Values {
    return new Values(this.take(tag));
  }

  end(): void {
    if (!this.isEmpty) throw new Error(NO_DER);
  }

  /** Definite, and in the shortest form. */
  #length(): number {
    const first = this.#bytes[this.#at++] ?? 0x80;
    if (first < 0x80) return first;
    const count = first & 0x7f;
    const bytes = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    if (count === 0 || count > LENGTH_BYTES_MAX || bytes.length < count || bytes[0] === 0) throw new Error(NO_DER);
    const length = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    if (length < 0x80) throw new Error(NO_DER);
    return length;
  }
}

/** Why a response is not to be shown now; empty when it is. @param nowMs of the wall clock */
export function staleness({ thisUpdateMs, nextUpdateMs }: Staple, nowMs: number): string {
  if (nextUpdateMs !== null && nowMs >= nextUpdateMs)
    return `one that expired at ${new Date(nextUpdateMs).toISOString()}`;
  return nowMs < thisUpdateMs ? `one that is not valid before ${new Date(thisUpdateMs).toISOString()}` : '';
}
