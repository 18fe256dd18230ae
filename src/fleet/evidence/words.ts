/**
 * What gateways tell one another of what they measured: one message per rollout, as JSON.
 *
 * Counts are cumulative since the sender began, so a message that is lost costs nothing; users are news, and those of a lost
 * message are not counted. Whoever can write to the channel can write anything, so a message is checked whole before any of
 * it counts.
 */

import { ENDPOINTS_TOLD_APART_MAX } from '../../model/rollout.ts';
import { UNIT_BITMAP_WORDS, UNIT_BITS } from '../../model/tallies.ts';

/** Longest message: two arms with every bucket in use and as many users as there are bits. */
export const MESSAGE_CHARS_MAX = 256 * 1024;
const NAME_CHARS_MAX = 253;

/** What one version did. */
export interface ArmNews {
  /** Words of its cell that are not zero: index and count, alternately. */
  readonly words: readonly number[];
  /** Users that appeared since the last message, and those of them that failed, as `encodeBits` writes them. */
  readonly seen: string;
  readonly bad: string;
}

/** Attempts at one endpoint of the canary since the sender knows it. */
export type EndpointSums = readonly [address: string, finished: number, bad: number];

/** One rollout as one gateway measured it. */
export interface EvidenceMessage {
  /** Process that sends it. */
  readonly id: string;
  readonly member: string;
  readonly adminUrl: string;
  readonly route: string;
  readonly generation: string;
  /** What the canary has of what it and stable have together, 0 to 1: counts at another share are not comparable. */
  readonly share: number;
  /** The freeze that slow requests were counted at; empty: none. */
  readonly limits: string;
  readonly canary: ArmNews;
  readonly stable: ArmNews;
  /** The canary's endpoints that the sender has now; earlier releases tell of none by its address. */
  readonly attempts?: readonly EndpointSums[];
  /** Always empty: earlier releases refuse a message without it. */
  readonly endpoints: readonly [];
}

/** A gateway that has no rollout to speak of says that it is there. */
export type Hello = Pick<EvidenceMessage, 'id' | 'member' | 'adminUrl'>;

/** null when it is no message of a fleet. */
export function parseMessage(text: string): EvidenceMessage | Hello | null {
  if (text.length > MESSAGE_CHARS_MAX) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The caller counts what it could not read.
    return null;
  }
  if (!isRecord(value) || !isHello(value)) return null;
  if (value['route'] === undefined) return { id: value.id, member: value.member, adminUrl: value.adminUrl };
  return isEvidence(value) ? value : null;
}

/** Whether a message tells of a rollout. */
export function hasEvidence(message: EvidenceMessage | Hello): message is EvidenceMessage {
  return 'route' in message;
}

/** Numbers of bits, two bytes each, or where that is shorter the whole bitmap behind a `=`; base64. */
export function encodeBits(bits: readonly number[]): string {
  if (bits.length * 2 <= UNIT_BITMAP_WORDS * 4) return Buffer.from(Uint16Array.from(bits).buffer).toString('base64');
  const words = new Int32Array(UNIT_BITMAP_WORDS);
  for (const bit of bits) words[bit >> 5] = (words[bit >> 5] as number) | (1 << (bit & 31));
  return `=${Buffer.from(words.buffer).toString('base64')}`;
}

/** The numbers again; those that cannot be are left out. */
export function decodeBits(text: string): number[] {
  const bytes = Buffer.from(text.startsWith('=') ? text.slice(1) : text, 'base64');
  const bits: number[] = [];
  if (!text.startsWith('=')) {
    for (let at = 0; at + 1 < bytes.length; at += 2) {
      const bit = bytes.readUInt16LE(at);
      if (bit < UNIT_BITS) bits.push(bit);
    }
    return bits;
  }
  for (let bit = 0; bit < Math.min(UNIT_BITS, bytes.length * 8); bit++) {
    if (((bytes[bit >> 3] as number) & (1 << (bit & 7))) !== 0) bits.push(bit);
  }
  return bits;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= NAME_CHARS_MAX;
}

function isHello(value: Record<string, unknown>): value is Record<string, unknown> & Hello {
  return isName(value['id']) && value['id'] !== '' && isName(value['member']) && isName(value['adminUrl']);
}

function isEvidence(value: Record<string, unknown>): value is Record<string, unknown> & EvidenceMessage {
  const { route, generation, share, limits, canary, stable, attempts } = value;
  return (
    isName(route) &&
    isName(generation) &&
    isShare(share) &&
    isName(limits) &&
    isArm(canary) &&
    isArm(stable) &&
    (attempts === undefined || areSums(attempts))
  );
}

function isArm(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { words, seen, bad } = value;
  return typeof seen === 'string' && typeof bad === 'string' && areCounts(words, 4096);
}

function areCounts(value: unknown, max: number): boolean {
  return Array.isArray(value) && value.length % 2 === 0 && value.length <= max && value.every(isCount);
}

function areSums(value: unknown): boolean {
  return Array.isArray(value) && value.length <= ENDPOINTS_TOLD_APART_MAX && value.every(isSums);
}

function isSums(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [address, finished, bad] = value as readonly unknown[];
  return isName(address) && isCount(finished) && isCount(bad);
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
