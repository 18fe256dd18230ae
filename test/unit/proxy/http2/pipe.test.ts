import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Pipe } from '#src/proxy/http2/pipe.ts';

function pipeOf() {
  const sent: string[] = [];
  const done: (() => void)[] = [];
  let wanted = 0;
  let ended = 0;
  const pipe = new Pipe({
    wants: () => void wanted++,
    sends: (bytes, left) => {
      sent.push(bytes.toString());
      done.push(left);
    },
    ends: () => void ended++,
  });
  return { pipe, sent, done, wanted: () => wanted, ended: () => ended };
}

test('what is written at once leaves at once, in one piece, and the next when that has left', () => {
  const { pipe, sent, done } = pipeOf();
  pipe.cork();
  pipe.write('a');
  pipe.write('b');
  pipe.uncork();
  pipe.write('c');
  assert.deepEqual(sent, ['ab']);
  done[0]?.();
  assert.deepEqual(sent, ['ab', 'c']);
});

test('the session’s end is told when everything has left', async () => {
  const { pipe, done, ended } = pipeOf();
  pipe.end('x');
  assert.equal(ended(), 0);
  done[0]?.();
  await once(pipe, 'finish');
  assert.equal(ended(), 1);
});

test('more is wanted as the session reads, and not while enough waits', async () => {
  const { pipe, wanted } = pipeOf();
  assert.equal(pipe.push(Buffer.alloc(70_000)), false);
  assert.equal(wanted(), 0);
  pipe.on('data', () => undefined);
  await once(pipe, 'data');
  assert.ok(wanted() > 0);
});
