/**
 * The shape of `tls`: towards clients, of a listener, and towards the endpoints of a service or a version.
 */

import { z } from 'zod';
import type { Check, Fault } from '../problems/fault.ts';
import { checkFile, FILE_PATH_META } from '../scalars/directory.ts';
import { checkPreciseHostname, HOSTNAME_META } from '../scalars/host.ts';
import { duration, flag, integer, type PartFault, scalar, withRule, word } from './fields.ts';

const MINUTE_MS = 60_000;
export const CERTIFICATES_MAX = 1000;

function file(description: string): z.ZodType<string, string> {
  return scalar<string>(checkFile, FILE_PATH_META, description);
}

const checkVersion: Check = (value): Fault | null => {
  const expected = '"1.2" or "1.3"';
  if (value === '1.2' || value === '1.3') return null;
  const hint = value === 1.2 || value === 1.3 ? 'put it in quotes' : 'older protocols are not spoken';
  return { kind: 'choice', expected, hint };
};

const minVersion = scalar<'1.2' | '1.3'>(
  checkVersion,
  { enum: ['1.2', '1.3'] },
  'Oldest protocol that is spoken; default "1.2"',
);

const certificate = z.strictObject({
  cert: file('PEM file with the certificate and its issuers'),
  key: file('PEM file with its key, which has no passphrase'),
  ocsp: file('File with an OCSP response (DER) to staple').optional(),
});

const clientAuth = withRule(
  z.strictObject({
    mode: word(
      ['off', 'optional', 'required'],
      'Whether clients are asked for a certificate; optional: without one they are served; default required',
    ).optional(),
    ca: file('PEM file with the certificates that theirs must be signed by').optional(),
  }),
  ({ mode, ca }): PartFault[] => {
    if (mode === 'off' || ca !== undefined) return [];
    const hint = 'without it nobody would be believed, or everybody';
    return [{ path: ['ca'], fault: { kind: 'tlsFields', expected: 'ca beside clientAuth', got: 'nothing', hint } }];
  },
  {},
);

/** TLS of a listener. */
export const listenerTls = z.strictObject({
  certificates: z
    .array(certificate)
    .min(1)
    .max(CERTIFICATES_MAX)
    .meta({ description: 'The first is for clients that name no host, or an unknown one' }),
  unknownHost: word(
    ['default', 'refuse'],
    'Clients that name a host of no certificate get the first one, or nothing; default default',
  ).optional(),
  minVersion: minVersion.optional(),
  clientAuth: clientAuth.optional(),
  handshakeTimeout: duration(10, MINUTE_MS, 'Longest handshake; default 10s').optional(),
  handshakesMax: integer(1, 1_000_000, 'Most handshakes under way per worker; default 512').optional(),
});

/** TLS of the endpoints of a service or a version. */
export const upstreamTls = withRule(
  z.strictObject({
    ca: file('PEM file with the certificates that theirs must be signed by; default the system’s').optional(),
    serverName: scalar<string>(
      checkPreciseHostname,
      HOSTNAME_META,
      'Name that is asked for and that their certificate must have; default the endpoint’s own',
    ).optional(),
    cert: file('PEM file with a certificate of our own').optional(),
    key: file('PEM file with its key').optional(),
    minVersion: minVersion.optional(),
    insecure: flag('Believe any certificate: for tests only; default false').optional(),
  }),
  ({ ca, cert, key, insecure }) => {
    const faults: PartFault[] = [];
    if ((cert === undefined) !== (key === undefined)) {
      const missing = cert === undefined ? 'cert' : 'key';
      const hint = 'a certificate needs its key';
      const fault = { kind: 'tlsFields', expected: `${missing} too`, got: 'nothing', hint } as const;
      faults.push({ path: [missing], fault });
    }
    if (insecure === true && ca !== undefined) {
      const hint = 'with insecure: true nothing is verified';
      faults.push({ path: ['ca'], fault: { kind: 'tlsFields', expected: 'no ca beside insecure', hint } });
    }
    return faults;
  },
  {},
);
