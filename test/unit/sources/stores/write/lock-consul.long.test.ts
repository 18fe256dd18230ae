import { openConsulLocks, SESSION_MS_LEAST } from '#src/sources/stores/write/lock-consul.ts';
import { describeLocks } from '../../../../support/stores/fleet/locks.ts';
import { CONSUL } from '../../../../support/stores/server.ts';

const open = (address: string) => {
  const reach = { kind: 'consul', address, prefix: 'sluice', token: null, datacenter: null } as const;
  return openConsulLocks({ ...reach, consistency: 'default', waitMs: 1000, tls: null }, 'edge');
};

describeLocks({ kind: CONSUL, open, ttlMs: SESSION_MS_LEAST });
