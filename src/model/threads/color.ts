/**
 * Traffic color: what the configuration says of it, and what the threads tell one another about its keys and counts.
 */

/** Where else than in its header a color may be, and who is believed. Places that are null are not looked at. */
export interface ColorConfig {
  /** Lower-case header name. */
  readonly header: string;
  /** Whose unsigned color counts; anybody else's is removed before routing. */
  readonly acceptFrom: 'anyone' | 'trustedProxies';
  /** Name of a query parameter. */
  readonly query: string | null;
  /** Name of a cookie. */
  readonly cookie: string | null;
  /** Key of a member of W3C `baggage`. */
  readonly baggage: string | null;
}
