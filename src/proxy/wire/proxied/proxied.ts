/**
 * What the header of a connection says: who made it, and where to.
 *
 * Source: haproxy's proxy-protocol.txt, sections 2 and 3.
 */

/** One end of a connection. */
export interface End {
  /** IPv4, or IPv6 as the kernel writes it. */
  readonly address: string;
  readonly port: number;
}

export interface Proxied {
  readonly version: 1 | 2;
  /** Null: it names nobody, as the sender speaks for itself (LOCAL), or does not know or may not say for whom (UNKNOWN, UNSPEC, UNIX). */
  readonly ends: { readonly source: End; readonly destination: End } | null;
}

/** How far a header was read: how many bytes it lacks at least, what it says, or why it is none. */
export type Progress = number | Proxied | string;
