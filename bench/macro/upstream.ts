/**
 * The upstream of every gateway: nginx that answers from memory and reads a request's body before it answers.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNginx } from './contenders/nginx.ts';

/** Body of the small answer, 99 bytes. */
export const BODY =
  '{"items":[{"id":7001,"name":"lamp","price":2900},{"id":7002,"name":"desk","price":18900}],"page":1}';

export const MIB = 1024 * 1024;
/** Path of the answer of 1 MiB. */
export const LARGE_PATH = '/export/catalog.bin';
/** Path that reads the whole body first; `return` alone would answer at the head and leave the body unread. */
export const BODY_PATH = '/orders';

/** Writes the configuration; returns the command. The body-reading path asks `/` of the same process, without the body. */
export function upstreamCommand(parent: string, port: number, nginx: string): readonly string[] {
  const folder = join(parent, 'upstream');
  mkdirSync(folder);
  const large = join(folder, 'large.bin');
  writeFileSync(large, Buffer.alloc(MIB, 'sluice '));
  const file = writeNginx(
    folder,
    1,
    `  sendfile on;
  open_file_cache max=10 inactive=1h;
  open_file_cache_valid 1h;
  upstream self { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000000; keepalive_timeout 3600s; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    default_type application/json;
    location / { return 200 '${BODY}'; }
    location = ${LARGE_PATH} { alias ${large}; }
    location = ${BODY_PATH} {
      client_body_buffer_size 2m;
      proxy_pass_request_body off;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_method GET;
      proxy_pass http://self/;
    }
  }`,
  );
  return [nginx, '-c', file];
}
