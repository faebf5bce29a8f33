import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { jobExample, jobJson, jobSchema } from "./job-json.ts";

export function jobRoutes(app: Api, { ports }: ApiContext): void {
  const schema = {
    tags: ["operation"],
    summary: "How far a job is, and what came of it",
    description: "The newest thousand jobs are kept. A job goes on when the process that it was asked of ends.",
    params: z.strictObject({ id: z.string().max(64) }),
    querystring: z.strictObject({}),
    response: answers("The job", jobSchema, jobExample, ["job_unknown"]),
  };
  app.get("/v1/jobs/:id", { schema }, async (request) => {
    const job = await ports.jobs.get(request.params.id);
    if (job === undefined) throw new ApiProblem("job_unknown", `there is no job ${request.params.id}`);
    // Another process may have ended it: what it says must be seen here too.
    if (job.state === "done") await ports.snapshots.catchUp();
    return jobJson(job);
  });
}
