import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type PageParts, PIECE_BYTES, renderPage } from '#src/export/exposition/page.ts';
import { ProtobufWriter } from '#src/export/exposition/protobuf.ts';
import { Slices } from '#src/export/exposition/slices.ts';
import { TextWriter } from '#src/export/exposition/text.ts';
import type { Family, Reading } from '#src/export/family.ts';
import { readFamilies } from '../../../support/readings/metrics/protobuf.ts';

/** A family of so many samples, that tells how many were taken of it. */
function familyOf(count: number): { family: Family; taken: () => number } {
  let taken = 0;
  const family: Family = {
    name: 'sluice_example',
    help: 'An example',
    type: 'gauge',
    *collect() {
      for (let n = 0; n < count; n++) {
        taken += 1;
        yield { labels: { n, name: 'x'.repeat(80) }, value: n };
      }
    },
  };
  return { family, taken: () => taken };
}

function partsOf(families: readonly Family[], changes: Partial<PageParts> = {}): PageParts {
  const fixed = { reading: {} as Reading, slices: new Slices(), onLeftOut: () => undefined };
  return { ...fixed, families, writer: new TextWriter(false), ...changes };
}

suite('page', () => {
  test('pieces come as they are ready, and no more is made than was taken', async () => {
    const { family, taken } = familyOf(20_000);
    const pieces = renderPage(partsOf([family]));
    const first = await pieces.next();
    const bytes = (first.value as Buffer).length;
    assert.ok(bytes >= PIECE_BYTES && bytes < 1.2 * PIECE_BYTES, `${bytes} bytes`);
    const before = taken();
    assert.ok(before < 1500, `${before} samples for the first piece`);
    // Others have many turns meanwhile.
    for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(taken(), before);
    let rest = '';
    for await (const piece of pieces) rest += piece.toString();
    const text = (first.value as Buffer).toString() + rest;
    assert.equal(text.split('\n').length, 20_000 + 3);
    assert.match(text, /\{n="19999",name="x+"\} 19999\n$/);
  });

  test('a reader that goes away ends the rendering', async () => {
    const { family, taken } = familyOf(20_000);
    const pieces = renderPage(partsOf([family]));
    await pieces.next();
    const before = taken();
    await pieces.return(undefined);
    assert.deepEqual([(await pieces.next()).done, taken()], [true, before]);
  });

  test('samples beyond the limit of a family are left out and counted, in every format', async () => {
    for (const writer of [new TextWriter(true), new ProtobufWriter()]) {
      let leftOut = 0;
      const parts = partsOf([familyOf(100).family, familyOf(3).family], {
        writer,
        samplesMax: 10,
        onLeftOut: () => (leftOut += 1),
      });
      const page = Buffer.concat(await Array.fromAsync(renderPage(parts)));
      const counts =
        writer instanceof ProtobufWriter
          ? readFamilies(page).map(({ metrics }) => metrics.length)
          : page
              .toString()
              .split(/^# TYPE.*$/m)
              .slice(1)
              .map((text) => text.match(/^sluice_example\{/gm)?.length);
      assert.deepEqual([counts, leftOut], [[10, 3], 90]);
    }
  });

  test('what a family throws ends the page', async () => {
    const broken: Family = {
      ...familyOf(0).family,
      collect: () => {
        throw new Error('no status');
      },
    };
    await assert.rejects(Array.fromAsync(renderPage(partsOf([broken]))), /no status/);
  });
});
