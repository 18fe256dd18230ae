/**
 * The simulator's worker, as tests call it that drive readers of shared memory.
 */

export { type Finish, SimulatedWorker as FakeWorker, smallTallies } from '#src/slo/rollout/planner/simulate/worker.ts';
