import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtobufWriter } from '#src/export/exposition/formats/protobuf.ts';
import { TextWriter } from '#src/export/exposition/formats/text.ts';
import { PIECE_BYTES } from '#src/export/exposition/formats/writer.ts';
import { LabelSet, NO_LABELS } from '#src/export/exposition/labels.ts';
import { type PageParts, renderPage } from '#src/export/exposition/page.ts';
import { Slices } from '#src/export/exposition/slices.ts';
import type { Family, Reading, RowFamily } from '#src/export/family.ts';
import { readFamilies } from '../../../support/readings/metrics/protobuf.ts';

/** A family of so many samples, that tells how many were taken of it. */
function familyOf(count: number): { family: Family; taken: () => number } {
  let taken = 0;
  const family: RowFamily<number> = {
    name: 'sluice_example',
    help: 'An example',
    type: 'gauge',
    rows: () => Array.from({ length: count }, (_, n) => n),
    write: (n, to) => {
      taken += 1;
      to.add(new LabelSet({ n, name: 'x'.repeat(80) }), NO_LABELS, n);
    },
  };
  return { family, taken: () => taken };
}

function partsOf(families: readonly Family[], changes: Partial<PageParts> = {}): PageParts {
  const fixed = { reading: {} as Reading, slices: new Slices(), hurriesAtMs: 0, onLeftOut: () => undefined };
  return { ...fixed, families, writer: new TextWriter(false), ...changes };
}

suite('page', () => {
  test('pieces come as they are ready, and no more is made than was taken', async () => {
    const { family, taken } = familyOf(20_000);
    const pieces = renderPage(partsOf([family]));
    const first = await pieces.next();
    const begin = (first.value as Buffer).toString();
    const bytes = begin.length;
    assert.ok(bytes >= PIECE_BYTES && bytes < 1.2 * PIECE_BYTES, `${bytes} bytes`);
    const before = taken();
    assert.ok(before < 6000, `${before} samples for the first piece`);
    // Others have many turns meanwhile.
    for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(taken(), before);
    let rest = '';
    for await (const piece of pieces) rest += piece.toString();
    const text = begin + rest;
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
      const page = Buffer.concat(await Array.fromAsync(renderPage(parts), (piece) => Buffer.from(piece)));
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
      rows: () => {
        throw new Error('no status');
      },
    };
    await assert.rejects(Array.fromAsync(renderPage(partsOf([broken]))), /no status/);
  });

  for (const hurries of [false, true]) {
    test(`a page ${hurries ? 'that is late does not rest' : 'in time rests'} between its slices`, async () => {
      const asked: boolean[] = [];
      const slices = {
        isOver: true,
        next: (isLate: boolean) => {
          asked.push(isLate);
          return Promise.resolve();
        },
      } as Partial<Slices> as Slices;
      const hurriesAtMs = hurries ? 0 : Infinity;
      await Array.fromAsync(renderPage(partsOf([familyOf(100).family], { slices, hurriesAtMs })));
      assert.ok(asked.length > 100 / 16, `${asked.length} slices`);
      assert.deepEqual(new Set(asked), new Set([hurries]));
    });
  }
});
