import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Placed, Roster } from '#src/lib/roster.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';

interface Named extends Placed {
  readonly name: string;
}

function rosterOf(...names: string[]): { roster: Roster<Named>; items: Named[]; names: () => string[] } {
  const roster = new Roster<Named>();
  const items = names.map((name) => ({ name, place: -1 }));
  for (const item of items) roster.add(item);
  return {
    roster,
    items,
    names: () =>
      roster
        .all()
        .map(({ name }) => name)
        .sort(),
  };
}

describe('a roster', () => {
  for (const gone of ['a', 'b', 'c']) {
    it(`without ${gone} has the others, each removable`, () => {
      const { roster, items, names } = rosterOf('a', 'b', 'c');
      roster.remove(items.find(({ name }) => name === gone) as Named);
      assert.deepEqual(
        names(),
        ['a', 'b', 'c'].filter((name) => name !== gone),
      );
      for (const item of items) roster.remove(item);
      assert.equal(roster.size, 0);
    });
  }

  it('that does not have somebody removes nobody', () => {
    const { roster, items, names } = rosterOf('a', 'b');
    roster.remove({ name: 'stranger', place: 0 });
    roster.remove(items[1] as Named);
    roster.remove(items[1] as Named);
    assert.deepEqual(names(), ['a']);
  });

  it('takes somebody back', () => {
    const { roster, items, names } = rosterOf('a', 'b');
    roster.remove(items[0] as Named);
    roster.add(items[0] as Named);
    assert.deepEqual(names(), ['a', 'b']);
  });

  it('lets its members leave while they are gone through', () => {
    const { roster } = rosterOf('a', 'b', 'c');
    for (const item of roster.all()) roster.remove(item);
    assert.equal(roster.size, 0);
  });

  it('costs no garbage to come and go', COUNTED, () => {
    const { roster, items } = rosterOf('a', 'b');
    const [item] = items as [Named, Named];
    const bytes = bytesPerCall(() => {
      roster.remove(item);
      roster.add(item);
    });
    assert.ok(bytes <= 1, `${bytes} B`);
  });
});
