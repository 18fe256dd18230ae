import { openEtcdLocks } from '#src/sources/stores/write/lock-etcd.ts';
import { describeLocks } from '../../../../support/stores/fleet/locks.ts';
import { ETCD } from '../../../../support/stores/server.ts';

describeLocks({
  kind: ETCD,
  open: (url) => {
    const reach = { kind: 'etcd', endpoints: [url], prefix: '/sluice/v1/', login: null, heartbeatMs: 1000 } as const;
    return openEtcdLocks({ ...reach, tls: null }, 'edge');
  },
  ttlMs: 2000,
});
