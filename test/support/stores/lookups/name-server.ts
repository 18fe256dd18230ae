/**
 * A name server of the tests' own over UDP: A, AAAA and SRV records of a few names, and the faults that real ones have.
 *
 * A name without any record does not exist; one with records of other types has no data. Names are not compressed, so
 * that answers stay simple; one that would not fit into a datagram is not given.
 * Source: RFC 1035 section 4; RFC 2782; RFC 3596.
 */

import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const;
const CLASS_IN = 1;
const NAME_ERROR = 3;
const SERVER_FAILURE = 2;
const TTL_S = 3600;

export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  readonly weight: number;
  readonly priority: number;
}

export interface NameServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Questions so far. */
  readonly asked: number;
  /** `silent`: it hears and says nothing. */
  mode: 'well' | 'failing' | 'silent';
  /** The addresses of a name, instead of those before. */
  addresses(name: string, ...addresses: readonly string[]): void;
  services(name: string, ...records: readonly SrvRecord[]): void;
  /** Takes away everything that is known of a name. */
  forget(name: string): void;
  close(): Promise<void>;
}

interface Known {
  readonly addresses: readonly string[];
  readonly services: readonly SrvRecord[];
}

/** Starts one on a free port of the loopback. */
export async function startNameServer(): Promise<NameServer> {
  const socket = createSocket('udp4');
  const names = new Map<string, Known>();
  const state = { mode: 'well' as NameServer['mode'], asked: 0 };
  socket.on('message', (question: Buffer, from: RemoteInfo) => {
    state.asked += 1;
    if (state.mode !== 'silent')
      socket.send(answerTo(question, names, state.mode === 'failing'), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const put = (name: string, changes: Partial<Known>): void => {
    const known = names.get(name) ?? { addresses: [], services: [] };
    names.set(name, { ...known, ...changes });
  };
  return {
    address: `127.0.0.1:${socket.address().port}`,
    get asked() {
      return state.asked;
    },
    get mode() {
      return state.mode;
    },
    set mode(mode) {
      state.mode = mode;
    },
    addresses: (name, ...addresses) => put(name, { addresses }),
    services: (name, ...services) => put(name, { services }),
    forget: (name) => void names.delete(name),
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function answerTo(question: Buffer, names: ReadonlyMap<string, Known>, isFailing: boolean): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] as number; length > 0; length = question[at] as number) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const type = question.readUInt16BE(at + 1);
  const name = labels.join('.').toLowerCase();
  const known = names.get(name);
  const records = isFailing || known === undefined ? [] : recordsOf(known, type);
  const code = isFailing ? SERVER_FAILURE : known === undefined ? NAME_ERROR : 0;
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  // An answer, to a question that wanted recursion, from one that has it.
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const bodies = records.map((data) => Buffer.concat([encodeName(name), fixed(type, data.length), data]));
  return Buffer.concat([head, question.subarray(12, at + 5), ...bodies]);
}

function recordsOf({ addresses, services }: Known, type: number): Buffer[] {
  if (type === TYPES.SRV) return services.map(encodeService);
  const wanted = addresses.filter((address) => type === (isIPv6(address) ? TYPES.AAAA : TYPES.A));
  return wanted.map((address) => (isIPv6(address) ? encodeV6(address) : Buffer.from(address.split('.').map(Number))));
}

function fixed(type: number, length: number): Buffer {
  const part = Buffer.alloc(10);
  part.writeUInt16BE(type, 0);
  part.writeUInt16BE(CLASS_IN, 2);
  part.writeUInt32BE(TTL_S, 4);
  part.writeUInt16BE(length, 8);
  return part;
}

function encodeService({ target, port, weight, priority }: SrvRecord): Buffer {
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  return Buffer.concat([numbers, encodeName(target)]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]);
}

/** Of the full form, or with one `::`. */
function encodeV6(address: string): Buffer {
  const [left = '', right = ''] = address.split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const zeros = 8 - words(left).length - words(right).length;
  const all = [...words(left), ...Array.from({ length: zeros }, () => 0), ...words(right)];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 255]));
}
