/**
 * The routing table that the routing scenario gives to every gateway: hosts and first path segments, in about equal number.
 */

export interface RouteTarget {
  readonly host: string;
  /** First segment, without a trailing slash. */
  readonly path: string;
}

/** Route `index` of `count`: the routes spread over about √count hosts. */
export function routeTarget(index: number, count: number): RouteTarget {
  const hosts = Math.max(1, Math.round(Math.sqrt(count)));
  return { host: `shop-${index % hosts}.example`, path: `/area-${Math.floor(index / hosts)}` };
}

/** Every route of a table. */
export function routeTargets(count: number): RouteTarget[] {
  return Array.from({ length: count }, (_, index) => routeTarget(index, count));
}
