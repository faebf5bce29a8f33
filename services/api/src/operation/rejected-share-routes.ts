import type { RejectedShares } from "@meterbook/core/ports/rejected-log";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { limit, limitDefault } from "../http/requests/query-schemas.ts";

export const shareSchema = z
  .strictObject({
    sender: z.string().meta({ description: "An identity, a client or a meter; empty where nobody was named" }),
    bytes: z.int(),
    messages: z.int(),
  })
  .meta({ id: "SenderShare" });
export const sharesSchema = z.strictObject({ items: z.array(shareSchema) });
export const emptiedSchema = z.strictObject({
  sender: z.string(),
  forgotten: z.int().meta({ description: "Refusals that are kept no more; they still count as rejected" }),
});

const share = { sender: "conc-1", bytes: 268_435_456, messages: 51_200 };
const body = z.strictObject({ sender: z.string().max(1024) });

/** What each sender fills of the rejected log, and the word of an operator that empties it before its time. */
export function rejectedShareRoutes(app: Api, { ports }: Pick<ApiContext, "ports">): void {
  const list = {
    tags: ["operation"],
    summary: "Which senders fill the rejected log, the largest first",
    description: "Who has filled `METERBOOK_REJECTED_BYTES_PER_SENDER_MAX` is slowed down.",
    querystring: z.strictObject({ limit }),
    response: answers("The shares", sharesSchema, { items: [share] }, ["shares_not_kept"]),
  };
  app.get("/v1/rejected/senders", { schema: list }, async (request) => {
    return { items: [...(await sharesOf(ports).list(request.query.limit ?? limitDefault))] };
  });
  const empty = {
    tags: ["operation"],
    summary: "Empty a sender's share of the rejected log",
    description:
      "Forgets the refused messages that are kept of a sender, before their time. They cannot be replayed any more, and still count in `rejected`. The sender has room again at once.",
    querystring: z.strictObject({}),
    body,
    response: answers("What was forgotten", emptiedSchema, { sender: "conc-1", forgotten: 51_200 }, [
      "shares_not_kept",
    ]),
  };
  app.post("/v1/rejected/senders::empty", { schema: empty }, async (request) => {
    const { sender } = request.body;
    return { sender, forgotten: await sharesOf(ports).empty(sender) };
  });
}

function sharesOf({ rejectedLog }: ApiContext["ports"]): RejectedShares {
  if (rejectedLog.shares !== undefined) return rejectedLog.shares;
  const detail =
    "each ingest process counts by itself what senders fill of the rejected log: restart it to empty a share";
  throw new ApiProblem("shares_not_kept", detail);
}
