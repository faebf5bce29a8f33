import type { Schemas } from "../api/client.ts";

export type Rejection = Schemas["Rejection"];
