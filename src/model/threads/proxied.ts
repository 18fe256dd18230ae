/**
 * Nouns of the PROXY protocol: what a listener asks for, what came of it.
 */

/**
 * Whether connections to a listener begin with a header of the PROXY protocol. `required`: all of them, and only trusted peers
 * may make any. `trusted`: those of trusted peers; others begin without. It is never guessed.
 */
export const PROXY_PROTOCOL_MODES = ['off', 'required', 'trusted'] as const;

/** How it is kept: absent where it is off. */
export type ProxyProtocolMode = Exclude<(typeof PROXY_PROTOCOL_MODES)[number], 'off'>;

/** Which header connections to endpoints begin with. */
export type ProxyProtocolVersion = 1 | 2;

/** How version 2 begins, as Latin-1 text. */
export const PROXY_SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

/**
 * Headers of connections that the gateway makes for itself (health checks), as Latin-1 text: LOCAL. Version 1 has no word for
 * it but that nobody is named.
 */
export const FOR_NOBODY: Readonly<Record<ProxyProtocolVersion, string>> = {
  1: 'PROXY UNKNOWN\r\n',
  2: `${PROXY_SIGNATURE}\x20\0\0\0`,
};

/**
 * What came of connections to such listeners. `nobody`: a header that names nobody (LOCAL, UNKNOWN). `gone`: the peer closed
 * the connection before the end of a header, as health checks do that only connect; nothing is wrong with it. The others are
 * refused. The order is that of the words in shared memory; new ones go to the end.
 */
export const PROXY_HEADER_RESULTS = ['v1', 'v2', 'nobody', 'gone', 'malformed', 'timed_out', 'untrusted'] as const;

/** Numbers of `PROXY_HEADER_RESULTS` by name; from `malformed` on they are refused. */
export const PROXY_HEADER = { v1: 0, v2: 1, nobody: 2, gone: 3, malformed: 4, timedOut: 5, untrusted: 6 } as const;

export type ProxyHeaderResult = (typeof PROXY_HEADER)[keyof typeof PROXY_HEADER];
