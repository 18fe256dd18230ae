/**
 * The thread that explains a setting of large documents, and ends: reading 10,000 routes takes seconds.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { type ExplainSetup, explainDocuments } from './explain.ts';

parentPort?.postMessage(explainDocuments(workerData as ExplainSetup));
