import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTypes, { astToString, type OpenAPI3 } from "openapi-typescript";
import { buildApi } from "../../../services/api/src/serve-api.ts";
import { apiWorld } from "../worlds/api-world.ts";

/** Where the pages have the types of the API that they call; ignored by git, so that it is never an older one. */
const file = fileURLToPath(new URL("../../../services/web/src/api/openapi.d.ts", import.meta.url));

const { ports, settings } = apiWorld();
const app = await buildApi(ports, settings);
const answer = await app.inject({ url: "/openapi.json", headers: { host: "localhost" } });
await app.close();
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, astToString(await openapiTypes(answer.json<OpenAPI3>())));
