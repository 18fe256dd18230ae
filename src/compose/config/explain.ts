/**
 * Explains settings of a running gateway or of a document: small documents at once, large ones in a thread of their own.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { VersionWeights } from '../../model/status.ts';
import type { InForceAnswer, SettingAnswer } from '../../model/threads/explain.ts';
import type { RevisionsStatus } from '../../model/threads/revision.ts';
import { redact } from '../../snapshot/revisions/diff.ts';
import { explainSetting } from '../../sources/document/explain.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import { readPart } from '../../sources/document/part.ts';
import type { SourceDocument } from '../../sources/document/pieces.ts';
import { IN_PLACE_CHARS_MAX } from '../../sources/parser.ts';

/** As source or as built. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './explain-thread.ts' : './explain-thread.js',
  import.meta.url,
);

/** What is asked, and of what. */
export interface ExplainSetup {
  readonly documents: readonly SourceDocument[];
  readonly environment: Environment;
  readonly path: string;
}

/** Explains in place. */
export function explainDocuments({ documents, environment, path }: ExplainSetup): SettingAnswer {
  const hide = (value: unknown): unknown => withoutQueries(redact(value));
  return explainSetting(documents, path, { read: (document) => readPart(document, environment), redact: hide });
}

/** What is in force beside the documents. */
export interface InForce {
  readonly revisions: RevisionsStatus;
  readonly hash: string;
  readonly versionsOf: (route: string) => readonly VersionWeights[];
}

/** Explains for the admin server; large documents one question at a time. */
export class SettingExplainer {
  readonly #environment: Environment;
  #isBusy = false;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  async explain(documents: readonly SourceDocument[], path: string, inForce: () => InForce): Promise<InForceAnswer> {
    const answer = await this.#answer({ documents, environment: this.#environment, path });
    if (answer.kind === 'refused') return answer;
    const { revisions, hash, versionsOf } = inForce();
    // Documents that were refused are none of these.
    const { number, pin, staleStart } = revisions;
    const difference = pin === null && staleStart === null ? '' : revisions.difference;
    const versions = answer.setting.route === '' ? [] : versionsOf(answer.setting.route);
    return { kind: 'done', setting: { ...answer.setting, number, hash, difference, versions } };
  }

  async #answer(setup: ExplainSetup): Promise<SettingAnswer> {
    let chars = 0;
    for (const { text } of setup.documents) chars += text.length;
    if (chars <= IN_PLACE_CHARS_MAX) return explainDocuments(setup);
    if (this.#isBusy) return { kind: 'refused', detail: 'another question is being answered; ask again' };
    this.#isBusy = true;
    const workerData = { ...setup, environment: { ...setup.environment } };
    const worker = new Worker(THREAD_FILE, { workerData, name: 'sluice-explain' });
    try {
      const [answer] = (await once(worker, 'message')) as [SettingAnswer];
      return answer;
    } finally {
      this.#isBusy = false;
      await worker.terminate();
    }
  }
}

/** The query of a URL may hold a signature. */
function withoutQueries(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((inner) => withoutQueries(inner));
  if (typeof value === 'string') return key === 'url' ? value.replace(/\?.*$/s, '?[redacted]') : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutQueries(inner, name)]));
}
