/**
 * Makes docs/API.md from the table of the admin API: `npm run docs` writes it, a test holds the two together.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OPERATIONS } from '#src/admin/api/operations.ts';
import type { Operation, Parameter } from '#src/admin/api/parts.ts';

const PAGE = new URL('../../../../docs/API.md', import.meta.url);

const INTRODUCTION = `# Admin API

What the admin server answers, on a port of its own (\`admin\`, 127.0.0.1:9900 by default). Made from \`src/admin/api/operations.ts\` by
\`npm run docs\`; do not edit. A running gateway serves the same as OpenAPI 3.1 at \`/openapi.json\`, with schemas of all bodies.

- **Reading** needs nothing but to get there: loopback by default, and a \`Host\` that cannot be another site's (421):
  loopback names, addresses and \`admin.hosts\`. No answer may be cached or read by another origin: there is no CORS.
- **Changing** something, and **diagnostics**, need the token, \`Authorization: Bearer TOKEN\` (\`adminToken\`, or \`SLUICE_ADMIN_TOKEN\` in the gateway's environment);
  without one configured the server is read only (403). A page of another site is refused before its token is looked at.
- **Refusals** are \`application/problem+json\` (RFC 9457), with what would be right in \`detail\`. Paths are matched as written: nothing is
  decoded or normalized. Heads have at most 8 KiB, bodies 4 KiB, and only where one is taken; 128 connections at a time.

Example: \`curl -X POST -H "Authorization: Bearer $TOKEN" localhost:9900/api/v1/rollouts/shop/pause\`
`;

const TITLES: Readonly<Record<Operation['tag'], string>> = {
  probes: 'Probes',
  'looking in': 'Looking in',
  page: 'The live page',
  commands: 'Commands',
  diagnostics: 'Diagnostics',
};

/** The whole page. */
export function apiPage(): string {
  const sections = Object.entries(TITLES).map(([tag, title]) => {
    const operations = OPERATIONS.filter((operation) => operation.tag === tag);
    return `\n## ${title}\n\n${operations.map(sectionOf).join('\n')}`;
  });
  return `${INTRODUCTION}${sections.join('')}`;
}

function sectionOf({ method, path, summary, needsToken, parameters = [], body, answers }: Operation): string {
  const lines = [
    `### \`${method.toUpperCase()} ${path}\``,
    '',
    `${summary}.${needsToken === true ? ' Needs the token.' : ''}`,
    '',
  ];
  for (const parameter of parameters) lines.push(parameterLine(parameter));
  if (body !== undefined) lines.push(`- body: ${bodyText(body)}`);
  for (const [status, { about, type }] of Object.entries(answers)) {
    lines.push(`- ${status}: ${about}${type === undefined ? '' : ` (\`${type}\`)`}`);
  }
  return `${lines.join('\n')}\n`;
}

function parameterLine({ name, in: where, about, isRequired = false, schema }: Parameter): string {
  const values = Array.isArray(schema?.['enum']) ? `: ${schema['enum'].join(', ')}` : '';
  return `- \`${name}\` in the ${where}${isRequired ? ', required' : ''}: ${about}${values}`;
}

/** Members of a body; one without a name is told by its members. */
function bodyText(body: NonNullable<Operation['body']>): string {
  const members = body['properties'];
  const names = typeof members === 'object' && members !== null ? Object.keys(members) : ['reason', 'fix'];
  return `JSON with ${names.map((name) => `\`${name}\``).join(', ')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, apiPage());
