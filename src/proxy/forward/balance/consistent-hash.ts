/**
 * Consistent hashing of the user key with bounded load: a user stays with an endpoint while it is there and not too full.
 * Hot path.
 *
 * The key's slot in a Maglev table (maglev.ts) names the endpoint. When that one is out, to be avoided or too full, the
 * key is hashed again and asks the next slot; so an endpoint that leaves hands each of its users to somebody else, and
 * nobody else's users move. An endpoint in slow start takes the part of its users that its capacity allows, always the
 * same ones. Full means more in flight than
 * ```
 *   bound = max(LOAD_MIN, ceil(1.25 x (in flight at all + 1) x size / sum of sizes))        as this worker sees it
 * ```
 * After PROBES_MAX slots, which takes most endpoints to be out or full, the endpoint with room that ranks first for the
 * key by rendezvous hashing is taken; without room anywhere, the emptiest.
 * The requests in flight are summed up again only every `endpoints / 16` picks; in between each pick counts as one.
 * Source: Mirrokni, Thorup, Zadimoghaddam (2018), "Consistent hashing with bounded loads".
 * Cost: O(1) while few endpoints are out, else O(endpoints); allocates nothing. The table is built at the first pick.
 */

import { hash32, mix32 } from '../../../lib/hash.ts';
import type { Endpoint } from '../endpoint.ts';
import { buildMaglev } from './maglev.ts';
import type { Shares } from './shares.ts';
import type { Targets } from './targets.ts';

const LOAD_RATIO_MAX = 1.25;
/** Below this many in flight nobody is too full: at light load a user's few parallel requests stay together. */
const LOAD_MIN = 8;
const PROBES_MAX = 16;
const PICKS_PER_SUM = 16;
const TWO_32 = 4_294_967_296;
const GOLDEN = 0x9e3779b9;

export class ConsistentHash implements Targets {
  readonly #shares: Shares;
  /** Identity of each place: the hash of its address, the same on every gateway. */
  readonly #hashes: Uint32Array;
  #table: Int32Array | null = null;
  #inFlight = 0;
  #picksToSum = 0;

  constructor(shares: Shares) {
    this.#shares = shares;
    this.#hashes = Uint32Array.from(shares.endpoints, ({ address }) => hash32(address));
  }

  get endpoints(): readonly Endpoint[] {
    return this.#shares.endpoints;
  }

  get isPanicking(): boolean {
    if (this.#shares.isStale()) this.#shares.refresh();
    return this.#shares.isPanicking;
  }

  takeProbe(by: object): Endpoint | null {
    return this.#shares.takeProbe(by);
  }

  pick(avoid: Endpoint | null, userKey: number, _nowMs: number): Endpoint | null {
    const shares = this.#shares;
    if (shares.isStale()) shares.refresh();
    if (shares.count <= 1) return shares.count === 0 ? null : (shares.endpoints[shares.live[0] as number] as Endpoint);
    const table = (this.#table ??= buildMaglev(this.#hashes, shares.fullSizes));
    this.#sum();
    let key = mix32(userKey);
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const place = table[key % table.length] as number;
      const endpoint = shares.endpoints[place] as Endpoint;
      if (endpoint !== avoid && this.#takes(place, key) && this.#hasRoom(place)) return endpoint;
      key = mix32(key + GOLDEN);
    }
    return this.#firstOfRank(avoid, userKey);
  }

  /** Brings the sum of requests in flight up to date, now and then exactly. */
  #sum(): void {
    if (this.#picksToSum-- > 0) {
      this.#inFlight++;
      return;
    }
    const { endpoints, live, count } = this.#shares;
    let sum = 0;
    for (let n = 0; n < count; n++) sum += (endpoints[live[n] as number] as Endpoint).inFlight;
    this.#inFlight = sum;
    this.#picksToSum = (count / PICKS_PER_SUM) | 0;
  }

  /** Whether the place takes part, for this key. */
  #takes(place: number, key: number): boolean {
    const size = this.#shares.sizes[place] as number;
    const fullSize = this.#shares.fullSizes[place] as number;
    return size === fullSize || (mix32(key ^ GOLDEN) / TWO_32) * fullSize < size;
  }

  #hasRoom(place: number): boolean {
    const { endpoints, sizes, total } = this.#shares;
    const inFlight = (endpoints[place] as Endpoint).inFlight + 1;
    if (inFlight <= LOAD_MIN) return true;
    return inFlight <= Math.ceil((LOAD_RATIO_MAX * (this.#inFlight + 1) * (sizes[place] as number)) / total);
  }

  #firstOfRank(avoid: Endpoint | null, userKey: number): Endpoint {
    const { endpoints, live, count, sizes } = this.#shares;
    let best = -1;
    let bestRank = -1;
    let emptiest = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < count; n++) {
      const place = live[n] as number;
      const endpoint = endpoints[place] as Endpoint;
      if (endpoint === avoid) continue;
      const fullness = endpoint.inFlight / (sizes[place] as number);
      if (fullness < least) {
        least = fullness;
        emptiest = place;
      }
      const rank = mix32(userKey ^ (this.#hashes[place] as number));
      if (rank <= bestRank || !this.#hasRoom(place)) continue;
      bestRank = rank;
      best = place;
    }
    return endpoints[best >= 0 ? best : emptiest] as Endpoint;
  }
}
