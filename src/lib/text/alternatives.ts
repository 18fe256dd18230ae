/**
 * Alternative names of a certificate's subject, as the runtime writes them: `DNS:a.example, URI:spiffe://x/y`.
 *
 * A name that holds a comma, a quote or the like is written as a JSON string, so that it cannot look like two: such a name is
 * none that anybody goes by, and is left out.
 * Source: RFC 5280 section 4.2.1.6; Node's `X509Certificate.subjectAltName`.
 */

/** One name, of a kind such as `DNS`, `URI`, `IP Address`. */
export interface AlternativeName {
  readonly kind: string;
  readonly value: string;
}

const NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** The names in their order; what cannot be read ends them. */
export function alternativeNames(text: string | undefined): AlternativeName[] {
  const names: AlternativeName[] = [];
  NAME.lastIndex = 0;
  for (let found = NAME.exec(text ?? ''); found !== null; found = NAME.exec(text ?? '')) {
    const [, kind = '', value = ''] = found;
    if (value !== '' && !value.startsWith('"')) names.push({ kind, value });
  }
  return names;
}
