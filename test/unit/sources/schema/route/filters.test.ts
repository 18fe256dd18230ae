import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILTER_FIELDS, filter } from '#src/sources/schema/route/filters.ts';
import { assertProblem, SOUND } from '../../../../support/config.ts';

function withFilter(text: string): string {
  return `${SOUND}    filters:\n      - ${text}\n`;
}

function mirroring(field: string): string {
  return `{type: RequestMirror, requestMirror: {backendRef: {name: shop, version: v2}, ${field}}}`;
}

test('every type of filter has a field', () => {
  assert.deepEqual(['type', ...Object.values(FILTER_FIELDS)].toSorted(), Object.keys(filter.shape).toSorted());
});

test('values of filters are checked one by one', () => {
  for (const [text, code, hint] of [
    ['{type: «RequestHeaders}', 'SLU1023', 'did you mean RequestHeaderModifier?'],
    ['{type: «ExtensionRef}', 'SLU1023', ''],
    ['«{type: CORS}', 'SLU1021', ''],
    ['«{requestHeaderModifier: {remove: [a]}}', 'SLU1021', ''],
    [
      '{type: CORS, cors: {allowOrigins: ["*"]}, urlRewrite: «{hostname: a.b}}',
      'SLU1075',
      /goes with type: URLRewrite/,
    ],
    ['{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: «Host, value: a}]}}', 'SLU1048', /urlRewrite/],
    ['{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [«Content-Length]}}', 'SLU1048', /itself/],
    ['{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: a, value: «"b\\r\\nc: d"}]}}', 'SLU1037', ''],
    [
      '{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: a, value: «5}]}}',
      'SLU1022',
      'put it in quotes',
    ],
    ['{type: URLRewrite, urlRewrite: {hostname: «"*.a.b"}}', 'SLU1034', /wildcard/],
    [
      '{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: «a}}}',
      'SLU1047',
      'did you mean /a?',
    ],
    ['{type: URLRewrite, urlRewrite: {path: «{type: ReplaceFullPath}}}', 'SLU1021', ''],
    [
      '{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /, replacePrefixMatch: «/}}}',
      'SLU1075',
      /goes with/,
    ],
    ['{type: RequestRedirect, requestRedirect: {scheme: «ftp}}', 'SLU1023', ''],
    ['{type: RequestRedirect, requestRedirect: {port: «0}}', 'SLU1033', ''],
    ['{type: RequestRedirect, requestRedirect: {port: 1, statusCode: «304}}', 'SLU1023', ''],
    ['{type: CORS, cors: {allowOrigins: [«a.example]}}', 'SLU1049', 'did you mean https://a.example?'],
    ['{type: CORS, cors: {allowOrigins: «[]}}', 'SLU1025', ''],
    ['{type: CORS, cors: «{allowMethods: [PUT]}}', 'SLU1021', ''],
    ['{type: CORS, cors: {allowOrigins: ["*"], allowMethods: [«put]}}', 'SLU1038', 'did you mean PUT?'],
    ['{type: CORS, cors: {allowOrigins: ["*"], maxAge: «10m}}', 'SLU1022', ''],
    ['{type: RequestMirror, requestMirror: {backendRef: {name: shop, version: v2}, percent: «0.5}}', 'SLU1024', ''],
    ['{type: RequestMirror, requestMirror: {backendRef: {name: shop, version: v2}, fraction: «0.1}}', 'SLU1022', ''],
    ['{type: RequestMirror, requestMirror: {backendRef: {name: shop, version: v2, «weight: 1}}}', 'SLU1020', ''],
    [mirroring('compare: «true'), 'SLU1022', ''],
    [mirroring('compare: {bodyBytesMax: «2MiB}'), 'SLU1031', ''],
    [mirroring('compare: {ignoreHeaders: [«"x build"]}'), 'SLU1036', 'did you mean x-build?'],
    [mirroring('compare: {«ignore: [x-build]}'), 'SLU1020', ''],
  ] as const) {
    assertProblem(withFilter(text), code, hint);
  }
});
