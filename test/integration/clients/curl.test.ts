/** curl through the running gateway, as it comes: every way of its to ask and to send. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { BIG, type Echo, type EchoGateway, echoGateway } from '../../support/proxy/echo.ts';
import { findBinary } from '../../support/runner/servers.ts';

const CURL = findBinary('curl');

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs curl; `input` is its standard input. */
function curl(args: readonly string[], input?: Buffer): Promise<Said> {
  return new Promise((resolve) => {
    const options = { encoding: 'latin1', maxBuffer: 64 * 1_048_576 } as const;
    const child = execFile(CURL as string, ['-sS', '--max-time', '60', ...args], options, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

const sha1 = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

describe('curl', { skip: CURL === null ? 'curl is missing' : false }, () => {
  let gateway: EchoGateway;
  const ends: (() => unknown)[] = [];
  const url = (path: string): string => gateway.url + path;
  const echoOf = async (args: readonly string[], input?: Buffer): Promise<Echo> => {
    const { code, out, err } = await curl(args, input);
    assert.equal(code, 0, err);
    return JSON.parse(out) as Echo;
  };
  before(async () => {
    gateway = await echoGateway({ after: (end) => void ends.push(end as () => unknown) });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it('GETs, also in HTTP/1.0, and the service is spoken to in 1.1', async () => {
    for (const version of ['--http1.1', '--http1.0']) {
      const { method, url: path, version: spoken } = await echoOf([version, url('/echo?a=b')]);
      assert.deepEqual([method, path, spoken], ['GET', '/echo?a=b', '1.1']);
    }
  });

  it('POSTs a form, a file, and a stream of chunks', async () => {
    assert.equal((await echoOf(['-d', 'a=b', url('/echo')])).bodyBytes, 3);
    const file = await echoOf(['--data-binary', '@-', url('/echo')], BIG);
    assert.deepEqual([file.method, file.bodySha1], ['POST', sha1(BIG)]);
    const stream = await echoOf(['-T', '-', url('/echo')], BIG);
    assert.deepEqual(
      [stream.method, stream.headers['transfer-encoding'], stream.bodySha1],
      ['PUT', 'chunked', sha1(BIG)],
    );
  });

  it('waits for 100 Continue and gets it', async () => {
    const args = ['-v', '-H', 'Expect: 100-continue', '--expect100-timeout', '50', '--data-binary', '@-', url('/echo')];
    const { code, out, err } = await curl(args, BIG);
    assert.equal(code, 0, err);
    assert.match(err, /< HTTP\/1\.1 100 Continue/);
    assert.equal((JSON.parse(out) as Echo).bodySha1, sha1(BIG));
  });

  it('reads long answers, measured, chunked and zipped', async () => {
    for (const path of ['/big', '/chunked']) {
      const { code, out } = await curl([url(path)]);
      assert.equal(code, 0);
      assert.equal(sha1(Buffer.from(out, 'latin1')), sha1(BIG));
    }
    assert.equal((await curl(['--compressed', url('/gzip')])).out, 'zipped');
  });

  it('gets trailers where it says that it takes them, and is spared them otherwise', async () => {
    const asking = ['-D', '-', '-H', 'TE: trailers', '-H', 'Connection: TE', url('/trailers')];
    const { code, out } = await curl(asking);
    assert.equal(code, 0);
    assert.match(out, /^HTTP\/1\.1 200 [^]*\r\n\r\nbody[^]*X-Sum: 42\r\n/i);
    const spared = await curl(['-D', '-', url('/trailers')]);
    assert.match(spared.out, /body$/);
    assert.doesNotMatch(spared.out, /X-Sum: 42/i);
  });

  it('in HTTP/1.0 gets bodies without chunks, to the end of the connection, and sends its own', async () => {
    const { code, out } = await curl(['--http1.0', '-i', url('/chunked')]);
    assert.equal(code, 0);
    const bodyAt = out.indexOf('\r\n\r\n');
    assert.doesNotMatch(out.slice(0, bodyAt), /transfer-encoding/i);
    assert.equal(sha1(Buffer.from(out.slice(bodyAt + 4), 'latin1')), sha1(BIG));
    const sent = await echoOf(['--http1.0', '--data-binary', '@-', url('/echo')], BIG);
    assert.deepEqual([sent.version, sent.bodySha1], ['1.1', sha1(BIG)]);
  });

  it('is told of failures of the service and of what the gateway refuses', async () => {
    const { code, err } = await curl(['--fail', url('/broken')]);
    assert.deepEqual([code, /500/.test(err)], [22, true]);
    const refused = await curl(['-o', '/dev/null', '-w', '%{http_code}', '-H', 'Expect: a-lot', url('/echo')]);
    assert.equal(refused.out, '417');
  });

  it('HEADs, and takes 204, 304, a redirect and early hints', async () => {
    const head = await curl(['-I', url('/big')]);
    assert.match(head.out, new RegExp(`^HTTP/1\\.1 200 OK\\r\\n[^]*Content-Length: ${BIG.length}\\r\\n`, 'i'));
    assert.match((await curl(['-i', url('/empty')])).out, /^HTTP\/1\.1 204 No Content\r\n/);
    assert.match((await curl(['-i', url('/unchanged')])).out, /^HTTP\/1\.1 304 Not Modified\r\n/);
    assert.equal((JSON.parse((await curl(['-L', url('/moved')])).out) as Echo).url, '/echo');
    const hints = await curl(['-i', url('/hints')]);
    assert.match(hints.out, /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /i);
    assert.match(hints.out, /hinted$/);
  });

  it('keeps its connection for a second request', async () => {
    const { out } = await curl([
      '-w',
      '%{num_connects} ',
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
      url('/echo'),
      url('/echo'),
    ]);
    assert.equal(out, '1 0 ');
  });

  it('may take the gateway for a proxy of the host that it asks', async () => {
    const { out, code } = await curl(['-x', gateway.url, 'http://shop.example/echo?x']);
    assert.equal(code, 0);
    const { url: path, headers } = JSON.parse(out) as Echo;
    assert.deepEqual([path, headers['host'], headers['proxy-connection']], ['/echo?x', 'shop.example', undefined]);
  });

  it('sees that an answer was cut', async () => {
    const { code } = await curl([url('/cut')]);
    assert.ok(code === 18 || code === 56, `exit ${code}`);
  });
});
