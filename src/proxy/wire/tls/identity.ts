/**
 * Who a client is by its certificate: the identity that routing goes by, and the field that upstreams are told.
 *
 * The identity is the first URI (SPIFFE) of the subject's alternatives, else the first DNS name, else the common name. Only
 * visible ASCII counts, so that nothing of it can end a line or a field; anything else is no identity. What reads like a URI is
 * one only among the URIs: issuers that look at those may let people write what they like into a common name.
 * Source: RFC 5280 section 4.2.1.6; SPIFFE X.509-SVID section 2; Envoy, `x-forwarded-client-cert`.
 */

import type { X509Certificate } from 'node:crypto';
import { alternativeNames } from '../../../lib/text/alternatives.ts';

const IDENTITY = /^[!-~](?:[ -~]{0,1022}[!-~])?$/;
/** Values that stand in the field without quotes. */
const BARE = /^[^\x00-\x20",;=\x7f-\uffff]{1,1024}$/;
/** As the runtime writes it, where quotes and backslashes have a backslash before them. */
const SUBJECT = /^(?:[ !#-[\]-~\n]|\\[ -~]){1,2048}$/;
/** More names are left out. */
const NAMES_TOLD_MAX = 8;

export interface ClientIdentity {
  /** Empty: it has none. */
  readonly name: string;
  /** `Hash=…;Subject="…";URI=…;DNS=…`. */
  readonly field: string;
}

/** Reads a client's certificate, which was verified. */
export function identityOf(certificate: X509Certificate): ClientIdentity {
  const names = alternativeNames(certificate.subjectAltName);
  const of = (kind: string): string[] => names.filter((name) => name.kind === kind).map(({ value }) => value);
  const others = [...of('DNS'), commonNameOf(certificate.subject)].filter((name) => !name.includes('://'));
  const candidates = [...of('URI'), ...others];
  const hash = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const told = (kind: string): string[] => {
    return of(kind)
      .filter((value) => BARE.test(value))
      .slice(0, NAMES_TOLD_MAX)
      .map((value) => `${kind}=${value}`);
  };
  const parts = [`Hash=${hash}`, ...subjectPart(certificate.subject), ...told('URI'), ...told('DNS')];
  return { name: candidates.find((name) => IDENTITY.test(name)) ?? '', field: parts.join(';') };
}

/** The one common name; of several, none. */
function commonNameOf(subject: string | undefined): string {
  const names = (subject ?? '').split('\n').filter((line) => line.startsWith('CN='));
  return names.length === 1 ? (names[0] as string).slice(3) : '';
}

function subjectPart(subject: string | undefined): string[] {
  if (subject === undefined || !SUBJECT.test(subject)) return [];
  return [`Subject="${subject.split('\n').toReversed().join(',')}"`];
}
