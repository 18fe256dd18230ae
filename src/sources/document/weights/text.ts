/**
 * The text of a weights document, written and read back.
 */

import type { WeightsInput } from '../../schema/weights.ts';
import type { Environment } from '../interpolate.ts';
import { readPart } from '../part.ts';
import { isSound } from './weights.ts';

/** A document as JSON, which is YAML too. Nothing in the reason is taken for a variable. */
export function weightsText(weights: Readonly<Record<string, number>>, reason: string): string {
  const document = reason === '' ? { weights } : { weights, reason: reason.replaceAll('${', () => '$${') };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** What a document says; null when it is not sound by itself. @param environment null: no variable is replaced */
export function readWeights(text: string, environment: Environment | null): WeightsInput | null {
  const mount = { kind: 'weights', name: '', revision: '' } as const;
  const isForeign = environment === null;
  const part = readPart({ name: '', text, mount, source: 1, isForeign }, environment ?? {});
  return isSound(part) ? (part.value as WeightsInput) : null;
}
