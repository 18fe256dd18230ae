import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields, refer } from '#src/cli/slo/check/fields.ts';
import { documentsOf } from '../../../../support/readings/slo-file.ts';

function fieldsOf(text: string) {
  const { documents, findings } = documentsOf(text);
  const [document] = documents;
  assert.ok(document !== undefined);
  return { root: new Fields(document, [], findings), findings };
}

test('fields that are sound are given', () => {
  const { root, findings } = fieldsOf('{name: a, kind: SLO, share: 0.5, list: [1, 2]}');
  assert.equal(root.isMapping(['name', 'kind', 'share', 'list']), true);
  assert.deepEqual([root.text('name'), root.word('kind', ['SLO']), root.number('share', 0, 1)], ['a', 'SLO', 0.5]);
  assert.deepEqual(
    root.entries('list', 'a list').map(({ value }) => value),
    [1, 2],
  );
  assert.deepEqual(findings.problems, []);
});

test('each that is not is refused, with what was meant', () => {
  const { root, findings } = fieldsOf('{name: 3, kinb: x, kind: SLQ, share: 1, list: []}');
  root.isMapping(['name', 'kind', 'share', 'list']);
  assert.deepEqual(
    [root.text('name'), root.word('kind', ['SLO', 'SLI']), root.number('share', 0, 1)],
    [null, null, null],
  );
  assert.deepEqual(root.entries('list', 'a list'), []);
  assert.equal(root.at('name').isMapping(), false);
  assert.deepEqual(
    findings.problems.map(({ path, hint }) => [path, hint]),
    [
      ['kinb', 'did you mean kind?'],
      ['name', ''],
      ['kind', 'did you mean SLO?'],
      ['share', ''],
      ['list', ''],
      ['name', ''],
    ],
  );
});

test('a reference is to something of the file, unless the file has nothing of the kind', () => {
  const { root, findings } = fieldsOf('{service: shap}');
  const objects = new Map([['Service/shop', root]]);
  assert.equal(refer(root, 'service', { kind: 'Service', name: 'shop' }, objects), root);
  assert.equal(refer(root, 'service', { kind: 'Service', name: 'shap' }, objects), null);
  assert.equal(findings.problems[0]?.hint, 'did you mean shop?');
  assert.equal(refer(root, 'service', { kind: 'SLI', name: 'shap' }, objects), null);
  assert.deepEqual([findings.problems.length, findings.warnings.length], [1, 1]);
});
