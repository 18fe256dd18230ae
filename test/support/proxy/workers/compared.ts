/**
 * A plane whose one route has a mirror that compares, and what its worker hands over of that.
 */

import type { TestContext } from 'node:test';
import {
  type ComparedBatch,
  noneUncompared,
  sumsOf,
  type TakenAnswers,
  UNCOMPARED_REASONS,
} from '#src/model/threads/requests/compared.ts';
import type { PlaneSketch, RouteSketch, TestPlane } from '../../plane.ts';
import { planeOf } from '../running.ts';

/** Longer than any wait here: what ends is ended by something else. */
export const PATIENT = { firstByteMs: 600_000 };

export interface ComparingScene {
  readonly plane: TestPlane;
  readonly answers: TakenAnswers[];
  /** Skipped and failed, of the first route. */
  readonly uncompared: () => readonly [number, number];
  /** The same by reason, of those that there are. */
  readonly reasons: () => Record<string, number>;
}

type Sketch = Omit<PlaneSketch, 'routes'> & { readonly bodyBytesMax?: number; readonly route?: Partial<RouteSketch> };

export async function comparingScene(
  t: TestContext,
  version: number,
  mirror: number,
  sketch: Sketch = {},
): Promise<ComparingScene> {
  const answers: TakenAnswers[] = [];
  const counts = noneUncompared();
  const { bodyBytesMax = 1000, route, ...rest } = sketch;
  const plane: TestPlane = await planeOf(t, {
    routes: [
      {
        name: 'shop',
        requestTimeoutMs: PATIENT.firstByteMs,
        versions: [{ name: 'v1', ports: [version], weight: 1 }],
        mirror: { ports: [mirror], ratio: 1, compare: { bodyBytesMax, ignoreHeaders: [] } },
        ...route,
      },
    ],
    writeCompared: (batch: ComparedBatch) => {
      answers.push(...batch.answers);
      for (const one of batch.uncompared.values()) {
        for (const reason of UNCOMPARED_REASONS) counts[reason] += one[reason];
      }
      setImmediate(() => plane.plane.compared());
    },
    ...rest,
  });
  return {
    plane,
    answers,
    uncompared: () => [sumsOf(counts).skipped, sumsOf(counts).failed],
    reasons: () => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
  };
}
