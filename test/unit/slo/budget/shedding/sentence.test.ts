/** In which order requests are refused, in words. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Priority } from '#src/model/overload.ts';
import { leftPhrase, orderSentence, refusedSentence, type Standee } from '#src/slo/budget/shedding/sentence.ts';

function standee(
  route: string,
  standing: number,
  remainingRatio: number | null,
  changes: Partial<Standee> = {},
): Standee {
  return { route, priority: 'default', standing, remainingRatio, isBurning: false, ...changes };
}

const SEARCH = standee('search', 3, 0.92);
const CHECKOUT = standee('checkout', 0, 0.04);

describe('the order of a version', () => {
  it('names the first and the last with what they have left', () => {
    assert.equal(
      orderSentence('shop/v1', [CHECKOUT, SEARCH], []),
      'of default requests to shop/v1, those of search (92 % of its budget left) go first, those of checkout (4 % of its budget left) last',
    );
  });

  it('says that there is none where all of a priority stand alike', () => {
    const alike = 'requests to shop/v1 go by priority, those of one priority alike whatever their route';
    assert.equal(orderSentence('shop/v1', [], []), alike);
    assert.equal(orderSentence('shop/v1', [SEARCH], []), alike);
    assert.equal(orderSentence('shop/v1', [SEARCH, { ...CHECKOUT, priority: 'critical' }], []), alike);
  });

  it('has a clause per priority, the least important first', () => {
    const of = (priority: Priority) => [SEARCH, CHECKOUT].map((one) => ({ ...one, priority }));
    const text = orderSentence('shop/v1', [...of('critical'), ...of('best-effort')], []);
    assert.match(
      text,
      /^of best-effort requests to shop\/v1, those of search .*; of critical requests to shop\/v1, those/,
    );
  });

  it('puts canaries before all others, and those between in between', () => {
    const some = standee('cart', 1, 0.3);
    const canary = standee('checkout', 4, 0.04);
    assert.equal(
      orderSentence('shop/v2', [CHECKOUT, some, SEARCH, canary], []),
      'of default requests to shop/v2, those of the canary of checkout go first, then those of search (92 % of its budget left), ' +
        'then those of cart (30 % of its budget left), those of checkout (4 % of its budget left) last',
    );
  });

  it('names three of those that stand alike', () => {
    const many = Array.from({ length: 15 }, (_, n) => standee(`r${n}`, 3, null));
    assert.match(
      orderSentence('shop/v1', [...many, CHECKOUT], []),
      /those of r0 \(no budget to lose\), r1 \(no budget to lose\), r2 \(no budget to lose\) and 12 more go first, those of checkout/,
    );
  });

  it('says for whose sake best-effort requests are held back', () => {
    const burning = { ...CHECKOUT, isBurning: true };
    assert.equal(
      orderSentence('shop/v1', [burning], ['checkout']),
      'best-effort requests to shop/v1 get at most half of its places, as checkout burns its budget fast',
    );
    assert.match(orderSentence('shop/v1', [burning], ['a', 'b']), /, as a and b burn their budgets fast$/);
  });
});

describe('what is left', () => {
  it('reads as one says it', () => {
    const read = (remainingRatio: number | null, isBurning = false): string =>
      leftPhrase({ remainingRatio, isBurning });
    assert.deepEqual(
      [read(1), read(0.004), read(0), read(-3), read(null), read(0.5, true)],
      [
        '100 % of its budget left',
        '<1 % of its budget left',
        '0 % of its budget left',
        'its budget is overspent',
        'no budget to lose',
        '50 % of its budget left, burning fast',
      ],
    );
  });
});

it('what was refused is told by priority', () => {
  assert.equal(
    refusedSentence('shop/v1', [0, 300, 0, 40], 42_300),
    'shop/v1 refused 340 requests in 42 s: 300 default, 40 best-effort',
  );
  assert.match(refusedSentence('shop/v1', [1, 0, 0, 0], 0), /^shop\/v1 refused 1 request in 1 s: 1 critical$/);
});
