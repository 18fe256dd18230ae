/**
 * Colors signed by one gateway for the next: `<bucket>.<HMAC-SHA256 of bucket and color, base64url>`.
 *
 * A bucket is a span of wall time, by its number since 1970. A signature is believed in its own bucket, the one after (it was
 * on its way) and the one before (clocks differ), so one that leaked is of no use after two of them. The first key signs, all
 * verify: a new key is first added behind the old one everywhere, then put in front, then the old one is removed.
 * Signatures of the present bucket are remembered: there are as many as colors and keys.
 * Source: RFC 2104.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ColorSignatureConfig, SignatureResult } from '../../../model/threads/color.ts';

/** Most colors and signatures that are remembered each. */
export const REMEMBERED_MAX = 256;
/** Decimal digits of a bucket's number that are read, and bytes of a MAC in base64url. */
const FORM = /^([1-9]\d{0,11})\.([\w-]{43})$/;

export class Signatures {
  #keys: readonly string[] = [];
  #bucketMs = 0;
  #bucket = 0;
  readonly #made = new Map<string, string>();
  /** Signatures that were found right, with their color; all are of a bucket that is believed now. */
  readonly #believed = new Map<string, string>();

  /** From now on signatures are made so; null: none. */
  configure(config: ColorSignatureConfig | null): void {
    this.#bucketMs = config === null ? 0 : config.bucketMs;
    this.#forget();
  }

  learn(keys: readonly string[]): void {
    this.#keys = keys;
    this.#forget();
  }

  /** The signature of a color; empty without a key. Cost: a lookup, after the first in a bucket. */
  sign(color: string, wallMs: number): string {
    const [key] = this.#keys;
    if (key === undefined || this.#bucketMs === 0) return '';
    this.#turn(wallMs);
    let made = this.#made.get(color);
    if (made === undefined) {
      made = `${this.#bucket}.${macOf(key, this.#bucket, color)}`;
      remember(this.#made, color, made);
    }
    return made;
  }

  /** Whether somebody who has a key signed that color a short while ago. Cost: a lookup, after the first in a bucket. */
  check(color: string, signature: string, wallMs: number): SignatureResult {
    if (this.#keys.length === 0 || this.#bucketMs === 0) return 'no_keys';
    this.#turn(wallMs);
    if (this.#believed.get(signature) === color) return 'valid';
    const [, digits = '', mac = ''] = FORM.exec(signature) ?? [];
    const bucket = Number(digits);
    if (digits === '' || !this.#keys.some((key) => isSame(macOf(key, bucket, color), mac))) return 'forged';
    if (Math.abs(bucket - this.#bucket) > 1) return 'stale';
    remember(this.#believed, signature, color);
    return 'valid';
  }

  #turn(wallMs: number): void {
    const bucket = Math.floor(wallMs / this.#bucketMs);
    if (bucket === this.#bucket) return;
    this.#forget();
    this.#bucket = bucket;
  }

  #forget(): void {
    this.#bucket = 0;
    this.#made.clear();
    this.#believed.clear();
  }
}

function macOf(key: string, bucket: number, color: string): string {
  return createHmac('sha256', key).update(`sluice-color\n${bucket}\n${color}`).digest('base64url');
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function remember(map: Map<string, string>, key: string, value: string): void {
  if (map.size >= REMEMBERED_MAX) map.clear();
  map.set(key, value);
}
