/**
 * Origins of the CORS filter: `https://shop.example.com`, `https://*.example.com`, or `*` for all.
 *
 * One spelling each: lower case, without the port that the scheme has anyway, as browsers write them.
 * Source: RFC 6454 section 6.2; Gateway API HTTPCORSFilter.
 */

import { isIP } from 'node:net';
import { didYouMean, type Fault, wrongType } from '../problems/fault.ts';
import { formatAddress, parseAddress } from './address.ts';

const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

export const ORIGIN_META = { type: 'string', pattern: '^(\\*|[Hh][Tt][Tt][Pp][Ss]?://[^/?#@ ]+)$' };

/** An origin in canonical spelling; null when it is malformed. */
export function parseOrigin(text: string): string | null {
  if (text === '*') return text;
  const form = /^(https?):\/\/(\*\.)?([^/?#@]+)$/i.exec(text);
  if (form === null) return null;
  const [, scheme = '', wildcard = '', authority = ''] = form;
  const name = scheme.toLowerCase();
  const ownPort = PORTS[name] as number;
  const address = parseAddress(authority) ?? parseAddress(`${authority}:${ownPort}`);
  if (address === null || address.port < 1 || address.port > 65_535) return null;
  if (wildcard !== '' && isIP(address.host) > 0) return null;
  const host = formatAddress(address);
  return `${name}://${wildcard}${address.port === ownPort ? host.slice(0, host.lastIndexOf(':')) : host}`;
}

/** An origin that may read responses. */
export function checkOrigin(value: unknown): Fault | null {
  const expected = 'an origin such as https://shop.example.com or https://*.example.com, or *';
  if (typeof value !== 'string') return wrongType(expected, value);
  return parseOrigin(value) === null ? { kind: 'origin', expected, hint: originHint(value) } : null;
}

function originHint(text: string): string {
  if (text === 'null') return 'any page can have the origin null: it is as good as *';
  if (/^https?:\/\/\*$/i.test(text)) return didYouMean('*');
  const origin = parseOrigin(text.replace(/^(https?:\/\/[^/?#]+)[/?#].*$/i, '$1')) ?? parseOrigin(`https://${text}`);
  return origin === null ? '' : didYouMean(origin);
}
