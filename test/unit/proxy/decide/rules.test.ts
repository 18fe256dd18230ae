/** The rules of one path: a long list filed by value answers as a short one that is walked. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HeaderMatch, QueryMatch, RouteMatch } from '#src/model/config.ts';
import { QueryParameters } from '#src/proxy/decide/query.ts';
import { byPrecedence, linkPattern, linkRule, type Rule, RuleList, WHOLE_PATH } from '#src/proxy/decide/rules.ts';
import type { LinkedRoute } from '#src/proxy/decide/table.ts';
import type { FieldTable } from '#src/proxy/http1/fields/field-table.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { RequestHead } from '#src/proxy/http1/request-head.ts';
import { ANY_PATH } from '../../../support/plane.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';
import { get } from '../../../support/proxy/parts.ts';

/** As the places of the rules are. */
const inOrder = (): number => 0;

const NAMES = new NameTable(['x-tenant', 'x-beta']);
const HEAD = new RequestHead(NAMES, LIMITS, new Set());

function fieldsOf(lines: string): FieldTable {
  const bytes = Buffer.from(get('/', lines));
  assert.equal(HEAD.parse(bytes, 0, bytes.length), bytes.length);
  return HEAD.fields;
}

interface Draft {
  readonly name: string;
  readonly method?: string;
  readonly headers?: readonly HeaderMatch[];
  readonly query?: readonly QueryMatch[];
  readonly path?: RouteMatch['path'];
}

const query = new QueryParameters();

function rulesOf(drafts: readonly Draft[]): Rule[] {
  return drafts.map(({ name, method, headers, query: parameters, path }, order) => {
    const match = {
      path: path ?? ANY_PATH.path,
      method: method ?? null,
      headers: headers ?? [],
      query: parameters ?? [],
    };
    return linkRule({ name } as LinkedRoute, match, order, { names: NAMES, query });
  });
}

function tenant(value: string, type: HeaderMatch['type'] = 'Exact'): HeaderMatch {
  return { name: 'x-tenant', type, value };
}

function found(list: RuleList, lines: string, target = '/'): string | null {
  query.start(target);
  return list.match('GET', { fields: fieldsOf(lines), query })?.route.name ?? null;
}

describe('a rule', () => {
  it('knows how much of a path its prefix takes', () => {
    const lengths = (['/', '/a', '/a/'] as const).map(
      (value) => rulesOf([{ name: 'r', path: { type: 'PathPrefix', value } }])[0]?.prefixLength,
    );
    assert.deepEqual(lengths, [0, 2, 2]);
    for (const type of ['Exact', 'RegularExpression'] as const) {
      assert.equal(rulesOf([{ name: 'r', path: { type, value: '/a' } }])[0]?.prefixLength, WHOLE_PATH);
    }
  });

  it('whose pattern the checks would have refused is a programmer’s error', () => {
    assert.throws(() => linkPattern('('), /is not a regular expression/);
  });

  it('with a method goes before one with headers, headers before query parameters, then the document’s order', () => {
    const p: QueryMatch = { name: 'p', type: 'Exact', value: '1' };
    const rules = rulesOf([
      { name: 'none' },
      { name: 'query', query: [p] },
      { name: 'two queries', query: [p, { ...p, name: 'q' }] },
      { name: 'header', headers: [tenant('a')] },
      { name: 'method', method: 'GET' },
      { name: 'another none' },
    ]);
    assert.deepEqual(
      rules.toSorted(byPrecedence(inOrder)).map(({ route }) => route.name),
      ['method', 'header', 'two queries', 'query', 'none', 'another none'],
    );
  });
});

describe('the only rule of a path', () => {
  const only = (draft: Partial<Draft>, lines = '', target = '/'): string | null =>
    found(new RuleList(rulesOf([{ name: 'r', ...draft }]), inOrder), lines, target);

  it('takes every request when it has no conditions', () => assert.equal(only({}), 'r'));

  it('with a method takes that one alone', () => {
    assert.equal(only({ method: 'GET' }), 'r');
    assert.equal(only({ method: 'POST' }), null);
  });

  it('takes what meets its conditions', () => {
    assert.equal(only({ headers: [tenant('a')] }, 'X-Tenant: a\r\n'), 'r');
    assert.equal(only({ headers: [tenant('a')] }, 'X-Tenant: b\r\n'), null);
    assert.equal(only({ query: [{ name: 'q', type: 'Exact', value: '1' }] }, '', '/?q=1'), 'r');
    assert.equal(only({ query: [{ name: 'q', type: 'Exact', value: '1' }] }), null);
  });
});

describe('a condition', () => {
  const one = (condition: HeaderMatch): RuleList =>
    new RuleList(rulesOf([{ name: 'r', headers: [condition] }]), inOrder);

  it('with a pattern is met by a whole value only', () => {
    const list = one(tenant('a+', 'RegularExpression'));
    assert.equal(found(list, 'X-Tenant: aaa\r\n'), 'r');
    for (const value of ['', 'ab', 'ba', 'A']) assert.equal(found(list, `X-Tenant: ${value}\r\n`), null, value);
    assert.equal(found(list, ''), null);
  });

  it('is never met by one of several values, which the upstream might not go by', () => {
    assert.equal(found(one(tenant('a')), 'X-Tenant: a\r\nX-Tenant: b\r\n'), null);
    assert.equal(found(one(tenant('b')), 'X-Tenant: a\r\nX-Tenant: b\r\n'), null);
    assert.equal(found(one(tenant('a, b')), 'X-Tenant: a\r\nX-Tenant: b\r\n'), 'r');
  });

  it('is linear in a hostile value', () => {
    assert.equal(found(one(tenant('(a+)+', 'RegularExpression')), `X-Tenant: ${'a'.repeat(8000)}!\r\n`), null);
  });
});

describe('a long list', () => {
  const drafts: readonly Draft[] = [
    { name: 'rest' },
    ...Array.from({ length: 1000 }, (_, i) => ({ name: `t${i}`, headers: [tenant(`t${i}`)] })),
    { name: 'beta', headers: [tenant('t7'), { name: 'x-beta', type: 'Exact', value: '1' }] },
    { name: 'post', method: 'POST', headers: [tenant('t8')] },
    { name: 'get', method: 'GET', headers: [tenant('t9', 'RegularExpression')] },
    { name: 'p', query: [{ name: 'p', type: 'Exact', value: '1' }] },
    { name: 'q', query: [{ name: 'q', type: 'RegularExpression', value: '1' }] },
  ];
  const list = new RuleList(rulesOf(drafts), inOrder);

  it('finds the rule of a value, and keeps the order of precedence', () => {
    assert.equal(found(list, 'X-Tenant: t500\r\n'), 't500');
    assert.equal(found(list, 'X-Tenant: t7\r\n'), 't7');
    assert.equal(found(list, 'X-Tenant: t7\r\nX-Beta: 1\r\n'), 'beta');
    assert.equal(found(list, 'X-Tenant: t8\r\n'), 't8');
    assert.equal(found(list, 'X-Tenant: t9\r\n'), 'get');
    assert.equal(found(list, 'X-Tenant: none\r\n'), 'rest');
    assert.equal(found(list, '', '/?p=1'), 'p');
    assert.equal(found(list, '', '/?q=1&p=1'), 'p');
    assert.equal(found(list, '', '/?q=1'), 'q');
    assert.equal(found(list, 'X-Tenant: __proto__\r\n'), 'rest');
  });

  it('reads as few values as a short one, and allocates nothing but them', COUNTED, () => {
    const reads = (rules: RuleList): number => {
      const fields = fieldsOf('X-Tenant: t500\r\n');
      let count = 0;
      const counting = { seen: (id: number) => fields.seen(id), value: (id: number) => (count++, fields.value(id)) };
      rules.match('GET', { fields: counting as unknown as FieldTable, query });
      return count;
    };
    const few = new RuleList(rulesOf(drafts.slice(495, 510)), inOrder);
    assert.ok(reads(list) <= reads(few) + 2, `${reads(list)} reads, ${reads(few)} in a short list`);
    const exact = new RuleList(
      rulesOf(drafts.filter(({ headers }) => headers?.every(({ type }) => type === 'Exact'))),
      inOrder,
    );
    const asked = { fields: fieldsOf('X-Tenant: t500\r\n'), query };
    query.start('/');
    const bytes = bytesPerCall(() => void exact.match('GET', asked), 5000, 96);
    assert.ok(bytes <= 96, `${bytes} B`);
  });
});
