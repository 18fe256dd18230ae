/**
 * `sluice slo simulate`: what the objectives of a file would have said of recorded traffic, by the gateway's own arithmetic.
 */

import { setImmediate } from 'node:timers/promises';
import { formatProblem, SluiceError } from '../../../model/problem.ts';
import type { TrafficReport } from '../../../model/threads/load/traffic.ts';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, EXIT } from '../../deps.ts';
import { progressOn } from '../../live/progress.ts';
import { readSloFile, toolsOf } from '../read.ts';
import type { TrafficReplayer } from '../tools.ts';
import { readTraffic, unreadable } from './records.ts';
import { trafficJson, trafficText } from './report.ts';

const OPTIONS = { traffic: { type: 'string', short: 'f' }, output: { type: 'string', short: 'o' } } as const;

/** Requests between two looks at the rest of the process: about 0.1 s. */
const BATCH = 100_000;

/** @throws SluiceError SLU_USAGE, SLU_CONFIG_UNREADABLE, SLU_LOG_UNREADABLE */
export async function simulate(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const { traffic } = values;
  const [file] = positionals;
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'slo simulate takes a file with objectives');
  if (traffic === undefined) throw new SluiceError('SLU_USAGE', 'slo simulate needs --traffic');
  const tools = await toolsOf(deps);
  const { objectives, problems, config } = await readSloFile(file, tools);
  if (problems.length > 0) {
    if (isJson) deps.stdout.write(`${JSON.stringify({ file, traffic, problems }, null, 2)}\n`);
    else for (const problem of problems) deps.stderr.write(`${formatProblem(problem)}\n`);
    return EXIT.failed;
  }
  const isOfRequests = ({ indicator }: (typeof objectives)[number]): boolean =>
    indicator === 'availability' || indicator === 'latency';
  const skipped = objectives.filter((one) => !isOfRequests(one));
  const report = await replayed(traffic, tools.slo.replay(objectives.filter(isOfRequests), config), deps);
  const told = { file, traffic, report, skipped };
  deps.stdout.write(isJson ? `${JSON.stringify(trafficJson(told), null, 2)}\n` : trafficText(told));
  const isCounted = report.objectives.some(({ fit }) => fit !== null);
  if (!isCounted) deps.stderr.write(`sluice: ${traffic} has no request of an objective of ${file}\n`);
  return isCounted && report.objectives.every(({ fit }) => fit !== 'too-tight') ? EXIT.ok : EXIT.failed;
}

/** @throws SluiceError SLU_LOG_UNREADABLE */
async function replayed(file: string, replay: TrafficReplayer, { stderr }: CliDeps): Promise<TrafficReport> {
  const progress = progressOn(stderr);
  let count = 0;
  try {
    for (const { request, line, column } of readTraffic(file)) {
      if (!replay.take(request))
        throw unreadable(file, line, column, `time: it ended more than ${replay.reorderS} s before a line above`);
      if (++count % BATCH !== 0) continue;
      progress.show(`${count} requests, ${new Date(request.endedAtMs).toISOString()}`);
      await setImmediate();
    }
    return replay.end();
  } finally {
    progress.clear();
  }
}
