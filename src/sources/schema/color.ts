/**
 * The shape of `color`: where a request names the version that it wants, and who is believed.
 */

import { z } from 'zod';
import { checkColorHeader, TOKEN_META } from '../scalars/http.ts';
import { scalar, token, word } from './fields.ts';

export const color = z.strictObject({
  header: scalar<string>(
    checkColorHeader,
    TOKEN_META,
    'Header that pins a version; default x-release-stage',
  ).optional(),
  acceptFrom: word(['anyone', 'trustedProxies'], 'Whose unsigned color counts; default trustedProxies').optional(),
  query: token('query parameter name', 'Query parameter that pins a version').optional(),
  cookie: token('cookie name', 'Cookie that pins a version').optional(),
  baggage: token('baggage key', 'Key of the member of W3C baggage that pins a version').optional(),
});
