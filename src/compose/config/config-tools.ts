/**
 * What the command line needs to look at configuration documents without starting anything.
 */

import { bothClocks } from '../../lib/clock.ts';
import type { Config } from '../../model/config.ts';
import type { ForecastQuestion } from '../../model/rollout.ts';
import type { RouteQuestion } from '../../model/threads/explain.ts';
import type { SimulationQuestion } from '../../model/threads/load/simulation.ts';
import { hashConfig } from '../../snapshot/hash.ts';
import { DISK } from '../../sources/disk.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import { mainDocument } from '../../sources/document/pieces.ts';
import { withoutKeys } from '../../sources/document/signature/keys.ts';
import { formatYaml } from '../../sources/document/yaml.ts';
import { vetFiles } from '../../sources/follow/certificates/vet.ts';
import { parseConfig, sourcesOf } from '../../sources/parse.ts';
import { jsonSchema } from '../../sources/schema.ts';
import { explainDocuments } from './explain.ts';
import { createSigning } from './signing.ts';

/**
 * The router and the planner are most of the gateway: they are loaded by the first question to them.
 * @param environment variables that documents may name, and that may have keys
 */
export function createConfigTools(environment: Environment) {
  return {
    readText: (file: string) => DISK.readText(file),
    parse: (text: string, file: string) =>
      vetFiles(parseConfig(text, file, withoutKeys(environment)), file, bothClocks().wallMs),
    sources: (text: string, file: string) => sourcesOf(text, file, withoutKeys(environment)),
    hash: hashConfig,
    schema: jsonSchema,
    format: formatYaml,
    async forecast(config: Config, question: ForecastQuestion) {
      const { answerForecast, NOT_MEASURED } = await import('../answers/forecast.ts');
      return answerForecast(config, question, () => NOT_MEASURED);
    },
    async simulate(config: Config, question: SimulationQuestion) {
      return (await import('../answers/simulation.ts')).answerSimulation(config, question);
    },
    explainSetting: (text: string, file: string, path: string) =>
      explainDocuments({ documents: [mainDocument(text, file)], environment: withoutKeys(environment), path }),
    async explainRoute(config: Config, file: string, question: RouteQuestion) {
      return (await import('../answers/explain.ts')).explainConfig(config, file, question);
    },
    signing: createSigning(environment, () => Math.floor(bothClocks().wallMs / 1000)),
  };
}
