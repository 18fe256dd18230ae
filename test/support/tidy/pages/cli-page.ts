/**
 * Makes docs/CLI.md from the table of commands and their help: `npm run docs` writes it, a test holds the two together.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { everythingSaid } from '#src/cli/commands/completion.ts';

const PAGE = new URL('../../../../docs/CLI.md', import.meta.url);

const INTRODUCTION = `# Command line

Every command with its help. Made from the table of commands (\`src/cli/commands/table.ts\`) by \`npm run docs\`; do not edit.

- **Exit codes**: 0 ok, 1 failed or not as it should be, 2 wrong usage, 3 cannot reach the admin server; 130 and 143 for what was
  ended by SIGINT and SIGTERM. Scripts may rely on them.
- **Output**: results on standard output, everything else on standard error. \`-o json\` gives the same facts for programs; what goes on
  (\`--follow\`, \`--watch\`, \`top\`) writes a line of JSON for each. Wherever there is \`-o json\` there is \`-o yaml\`, a document for each. Where standard output is no terminal there are plain lines and no
  progress. Color is only in \`demo\`, and not with \`NO_COLOR\`. A reader that goes away (\`| head\`) is no failure.
- **Which gateway**: \`--admin URL\`, else \`SLUICE_ADMIN\`, else http://127.0.0.1:9900. Commands that change something need its token in
  \`SLUICE_ADMIN_TOKEN\`.
- **Completion**: \`eval "$(sluice completion bash)"\`; zsh and fish likewise.
- **Start-up**: compiled code is kept in \`$XDG_CACHE_HOME/sluice\` or \`~/.cache/sluice\`, if that is the user's own and nobody else may
  write to it; \`NODE_DISABLE_COMPILE_CACHE=1\` turns it off.
- **By other names elsewhere**: what an objective comes to at the traffic there is, is in \`slo get\`, and what was done about it in
  \`why ROUTE\`. Weights are set by \`weights set\`, not by \`rollout\`,
  whose \`promote\` forces one step at a time. Objectives are imported and exported by \`slo\`, HTTPRoutes of the
  Gateway API imported by \`config import\`, configurations of other gateways are not. There is no wide output.

`;

/** The whole page. */
export async function cliPage(): Promise<string> {
  const said = await everythingSaid();
  const rows = said.map(({ name, about }) => `| [\`${name}\`](#${name}) | ${about} |`);
  const sections = said.map(({ name, about, usage }) => {
    return `## ${name}\n\n${about.charAt(0).toUpperCase()}${about.slice(1)}.\n\n\`\`\`text\n${usage}\`\`\`\n`;
  });
  return `${INTRODUCTION}| command | what it is for |\n|---|---|\n${rows.join('\n')}\n\n${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, await cliPage());
