import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { RouteSpec } from '#src/model/snapshot.ts';
import { editsOf } from '#src/model/threads/parsing/edits.ts';
import { changedVocabulary, hasSameNames, NO_NAMES } from '#src/proxy/decide/link/vocabulary.ts';

const SEED = 20_261_122;
const NAMES = ['a', 'b', 'c'];

/** A route with a condition on each name, and a filter that writes the last. */
function routeOf(read: readonly string[], asked: readonly string[], written = ''): RouteSpec {
  const field = (name: string) => ({ name, type: 'Exact', value: 'x' });
  const filter = { set: written === '' ? [] : [field(written)], add: [], remove: [] };
  return {
    sticky: null,
    matches: [{ headers: read.map(field), query: asked.map(field) }],
    filters: { requestHeaders: written === '' ? null : filter, responseHeaders: null },
  } as unknown as RouteSpec;
}

function vocabularyOf(routes: readonly RouteSpec[]) {
  return changedVocabulary(NO_NAMES, [], [{ add: routes }]);
}

test('a vocabulary that is kept up by differences is that of the routes', () => {
  const random = new Random(SEED);
  const some = (): string[] => NAMES.filter(() => random.nextFloat() < 0.4);
  let routes: readonly RouteSpec[] = [];
  let kept = NO_NAMES;
  for (let n = 0; n < 300; n++) {
    const after = routes.filter(() => random.nextFloat() < 0.8);
    const at = Math.floor(random.nextFloat() * (after.length + 1));
    after.splice(at, 0, routeOf(some(), some(), some()[0]));
    kept = changedVocabulary(kept, routes, editsOf(routes, after));
    routes = after;
    assert.deepEqual(kept, vocabularyOf(routes), `change ${n}, seed ${SEED}`);
  }
});

test('it is the same object while nothing changes in it, and other names are told from more routes', () => {
  const [one, twin, other] = [routeOf(['a'], []), routeOf(['a'], []), routeOf([], ['a'])];
  const before = vocabularyOf([one]);
  assert.equal(changedVocabulary(before, [one], [{ drop: 1 }, { add: [twin] }]), before);
  assert.equal(hasSameNames(before, vocabularyOf([one, twin])), true);
  assert.equal(hasSameNames(before, vocabularyOf([other])), false, 'a parameter is no field');
  assert.equal(hasSameNames(before, vocabularyOf([one, other])), false);
  assert.equal(hasSameNames(before, vocabularyOf([])), false);
});
