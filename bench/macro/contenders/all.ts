/**
 * The gateways that can be compared, by name.
 */

import { caddy } from './caddy.ts';
import type { Contender, ContenderName } from './contender.ts';
import { haproxy } from './haproxy.ts';
import { fastify, httpProxy3, nodeUndici } from './libraries.ts';
import { nginx } from './nginx.ts';
import { sluice } from './sluice.ts';

export const CONTENDER: Readonly<Record<ContenderName, Contender>> = {
  nginx,
  haproxy,
  caddy,
  sluice,
  'node-undici': nodeUndici,
  'http-proxy-3': httpProxy3,
  fastify,
};
