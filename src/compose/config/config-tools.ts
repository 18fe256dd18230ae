/**
 * What the command line needs to look at configuration documents without starting anything.
 */

import type { Config } from '../../model/config.ts';
import type { ForecastQuestion } from '../../model/rollout.ts';
import { hashConfig } from '../../snapshot/hash.ts';
import { DISK } from '../../sources/disk.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import { parseConfig, sourcesOf } from '../../sources/parse.ts';
import { jsonSchema } from '../../sources/schema.ts';
import { answerForecast, NOT_MEASURED } from '../forecast.ts';

/** @param environment variables that documents may name */
export function createConfigTools(environment: Environment) {
  return {
    readText: (file: string) => DISK.readText(file),
    parse: (text: string, file: string) => parseConfig(text, file, environment),
    sources: (text: string, file: string) => sourcesOf(text, file, environment),
    hash: hashConfig,
    schema: jsonSchema,
    forecast: (config: Config, question: ForecastQuestion) => answerForecast(config, question, () => NOT_MEASURED),
  };
}
