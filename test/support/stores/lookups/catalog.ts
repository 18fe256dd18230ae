/**
 * Registers services with a real Consul agent, as they would themselves.
 */

import assert from 'node:assert/strict';

/** A node that no agent runs on. */
const ELSEWHERE = 'elsewhere';
/** Of one transaction. */
const OPERATIONS_MAX = 64;

/** What a service says of one instance of it. */
export interface Registration {
  readonly id: string;
  readonly name: string;
  readonly port: number;
  readonly address?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly weight?: number;
  /** With a check that the service answers for itself; passing until `fail`. */
  readonly isChecked?: boolean;
}

/** A Consul agent to register with. */
export interface Catalog {
  register(registration: Registration): Promise<void>;
  remove(id: string): Promise<void>;
  pass(id: string): Promise<void>;
  fail(id: string): Promise<void>;
  maintain(id: string, isOn: boolean): Promise<void>;
  /** Many instances of one service on a node without an agent, at once. */
  registerMany(service: string, addresses: readonly string[], version: string): Promise<void>;
}

export function catalogOf(url: string): Catalog {
  const put = async (path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method: 'PUT',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.equal(answer.status, 200, `${path}: ${await answer.text()}`);
  };
  return {
    register: async ({
      id,
      name,
      port,
      address = '127.0.0.1',
      tags = [],
      meta = {},
      weight = 1,
      isChecked = false,
    }) => {
      const check = { CheckID: `check-${id}`, TTL: '1h', Status: 'passing' };
      const service = { ID: id, Name: name, Port: port, Address: address, Tags: tags, Meta: meta };
      const weights = { Passing: weight, Warning: 1 };
      await put('agent/service/register', { ...service, Weights: weights, ...(isChecked ? { Check: check } : {}) });
      // Only what was said after the registration outlives a restart of the agent.
      if (isChecked) await put(`agent/check/pass/${check.CheckID}`);
    },
    remove: (id) => put(`agent/service/deregister/${id}`),
    pass: (id) => put(`agent/check/pass/check-${id}`),
    fail: (id) => put(`agent/check/fail/check-${id}`),
    maintain: (id, isOn) => put(`agent/service/maintenance/${id}?enable=${isOn}`),
    registerMany: async (service, addresses, version) => {
      await put('catalog/register', { Node: ELSEWHERE, Address: '10.255.0.1' });
      for (let at = 0; at < addresses.length; at += OPERATIONS_MAX) {
        const operations = addresses.slice(at, at + OPERATIONS_MAX).map((address) => {
          const [host, port] = address.split(':');
          const one = { ID: address, Service: service, Address: host, Port: Number(port), Meta: { version } };
          return { Service: { Verb: 'set', Node: ELSEWHERE, Service: one } };
        });
        await put('txn', operations);
      }
    },
  };
}
