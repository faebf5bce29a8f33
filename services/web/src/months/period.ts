import type { Schemas } from "../api/client.ts";

export type Period = Schemas["Period"];
