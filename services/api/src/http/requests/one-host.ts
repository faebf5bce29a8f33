import type { Api } from "../../api-context.ts";
import { ApiProblem } from "../problems/problem.ts";

/** RFC 9112, 3.2: of two hosts a proxy may have looked at the one, and we at the other. Node takes the first. */
export function refuseTwoHosts(app: Api): void {
  app.addHook("onRequest", async ({ raw: { rawHeaders } }) => {
    const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
    if (hosts.length > 1) throw new ApiProblem("request_malformed", "host: is there more than once");
  });
}
