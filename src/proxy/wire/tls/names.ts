/**
 * Which certificate is for a host: an exact name before a wildcard, of equal ones the first.
 *
 * Cost: two lookups, however many certificates there are.
 * Source: RFC 6066 section 3; RFC 9525 section 6.3 (a wildcard is for exactly one label).
 */

/** For no host that anybody named. */
export const NO_CERTIFICATE = -1;

export class CertificateNames {
  readonly #exact = new Map<string, number>();
  /** By the name from its first dot on. */
  readonly #wild = new Map<string, number>();
  readonly #otherwise: number;

  /** @param names of each certificate, in lower case. @param otherwise the certificate of other hosts, or `NO_CERTIFICATE` */
  constructor(names: readonly (readonly string[])[], otherwise: number) {
    this.#otherwise = otherwise;
    for (const [index, own] of names.entries()) {
      for (const name of own) {
        const isWild = name.startsWith('*.');
        const [table, key] = isWild ? [this.#wild, name.slice(1)] : [this.#exact, name];
        if (!table.has(key)) table.set(key, index);
      }
    }
  }

  /** Number of the certificate for a host in any case, with or without its final dot. */
  find(host: string): number {
    const name = host.toLowerCase().replace(/\.$/, '');
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf('.');
    const wild = dot > 0 ? this.#wild.get(name.slice(dot)) : undefined;
    return wild ?? this.#otherwise;
  }
}
