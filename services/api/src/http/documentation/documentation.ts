import type { SwaggerTransform } from "@fastify/swagger";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import type { Api } from "../../api-context.ts";
import { formats } from "../requests/answer-format.ts";
import type { DocumentedAnswers } from "./documented.ts";
import { formatParameter } from "./format-parameter.ts";

const about = `The meters of a grid operator: what they reported, and the register values at each month end.

Amounts are whole base units (\`Wh\`, \`varh\`, \`L\`). Instants are RFC 3339, returned in UTC. A period is \`YYYY-MM\` in the
usage point's zone. What is missing is \`null\`, never 0. Lists page with an opaque \`cursor\`; bulk lists also answer
\`Accept: application/x-ndjson\` (or \`?format=ndjson\`) and \`text/csv\` as a stream. Errors are \`application/problem+json\` with a stable \`code\`. Answers come as gzip or
zstd where \`Accept-Encoding\` asks for it; those that are no streams have an \`ETag\`, and \`If-None-Match\` is answered 304.`;

const tags = [
  { name: "billing", description: "Month-end snapshots" },
  { name: "meters", description: "Master data" },
  { name: "analysis", description: "Readings and curves" },
  { name: "session", description: "How a browser signs in" },
  { name: "operation", description: "Is everything there, and what was refused" },
];

/** `/openapi.json`, made from the schemas that validate, and `/docs`, which loads nothing from anywhere else. */
export async function documentRoutes(app: Api, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Meterbook", version, description: about },
      tags,
      components: { securitySchemes: { key: { type: "http", scheme: "bearer", description: "An API key" } } },
    },
    transform: withExamples,
    transformObject: (document) => withFormats(withoutUnused(jsonSchemaTransformObject(document) as OpenApi)) as never,
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    uiConfig: { layout: "BaseLayout", validatorUrl: null, docExpansion: "list", defaultModelsExpandDepth: 0 },
    theme: { title: "Meterbook API" },
    staticCSP:
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  });
  app.get("/openapi.json", { schema: { hide: true } as object }, (_request, reply) => reply.send(app.swagger()));
}

/** The provider makes JSON schema of the zod schemas and drops what else stands beside them: put back the examples. */
const withExamples: SwaggerTransform = (route) => {
  const made = jsonSchemaTransform(route as never) as { schema: Record<string, unknown>; url: string };
  const answers = (route.schema as { response?: DocumentedAnswers } | undefined)?.response ?? {};
  const documented = made.schema?.["response"] as Record<string, { content?: Record<string, object> }> | undefined;
  for (const [status, { content }] of Object.entries(answers)) {
    for (const [type, { example }] of Object.entries(content)) {
      Object.assign(documented?.[status]?.content?.[type] ?? {}, { example });
    }
  }
  const { consumes, body } = (route.schema ?? {}) as { consumes?: readonly string[]; body?: unknown };
  if (consumes !== undefined && body === undefined) made.schema["body"] = linesBody(consumes);
  return made;
};

/** Of an import: lines that are read as they come, so no schema of theirs validates them. */
function linesBody(types: readonly string[]) {
  const schema = { type: "string", description: "One record a line; of CSV the first line names the columns" };
  return { content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

interface Operation {
  operationId?: string;
  parameters?: unknown[];
  responses?: Record<string, { content?: Record<string, unknown> }>;
}

/**
 * Calls with several formats take `format` too: routes do not see it, so no schema of theirs has it. Each call has a
 * name, by which generated clients call it.
 */
function withFormats(document: OpenApi): OpenApi {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ operation, name: operationName(method, path) })),
  );
  for (const { operation, name } of operations) {
    operation.operationId = name;
    if (operation.responses?.["200"]?.content?.[formats.csv] === undefined) continue;
    operation.parameters = [...(operation.parameters ?? []), formatParameter];
  }
  return document;
}

/** `getMetersMeterIdCurve` of `GET /v1/meters/{meterId}/curve`. */
function operationName(method: string, path: string): string {
  const words = path.replace(/^\/v1/, "").match(/[A-Za-z0-9]+/g) ?? [];
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

interface OpenApi {
  paths?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, unknown> };
}

/** Zod emits every named schema for requests and for answers; only one of the two is meant. */
function withoutUnused(document: OpenApi): OpenApi {
  const schemas = document.components?.schemas ?? {};
  const text = JSON.stringify(document);
  for (const name of Object.keys(schemas)) {
    if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
  }
  return document;
}
