/**
 * The table of operations as an OpenAPI 3.1 document.
 *
 * Source: OpenAPI Specification 3.1.0.
 */

import { OPERATIONS } from './operations.ts';
import type { Operation, Parameter } from './parts.ts';
import { SCHEMAS, type Schema } from './schemas.ts';

/** Refusals that any request may meet. */
const ALWAYS = {
  421: 'a Host that is not served here (defense against DNS rebinding)',
  default: 'any other refusal or failure',
};

/** The document. @param version of the gateway */
export function apiDocument(version: string): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const operation of OPERATIONS) {
    const path = paths[operation.path] ?? {};
    paths[operation.path] = { ...path, [operation.method]: operationObject(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice admin API',
      version,
      description:
        'Read only but for operations with the token. Answers are never cached, and no other origin may read them.',
    },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'adminToken, or SLUICE_ADMIN_TOKEN' } },
    },
  };
}

function operationObject({ id, tag, summary, needsToken, parameters, body, answers }: Operation): Schema {
  const entries = Object.entries(answers).map(([status, { about, type, schema }]) => [
    status,
    {
      description: about,
      ...(type === undefined ? {} : { content: { [type]: schema === undefined ? {} : { schema } } }),
    },
  ]);
  const refusals = Object.entries(ALWAYS).map(([status, about]) => [status, { description: about, content: PROBLEM }]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(needsToken === true ? { security: [{ token: [] }] } : {}),
    ...(parameters === undefined ? {} : { parameters: parameters.map(parameterObject) }),
    ...(body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: body } } } }),
    responses: Object.fromEntries([...entries, ...refusals]) as Schema,
  };
}

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

function parameterObject({
  name,
  in: where,
  about,
  isRequired = false,
  schema = { type: 'string' },
}: Parameter): Schema {
  return { name, in: where, description: about, required: isRequired, schema };
}
