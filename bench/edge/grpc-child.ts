/**
 * Answers calls of gRPC with one message and OK: `node grpc-child.ts PORT`. Prints a line when it serves.
 */

import { createServer, type ServerHttp2Stream } from 'node:http2';
import { grpcMessage } from './upstreams.ts';

const message = grpcMessage();
const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  // A load that ends cuts its calls off.
  stream.on('error', () => stream.destroy());
  stream.resume();
  stream.end(message);
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('serves\n'));
