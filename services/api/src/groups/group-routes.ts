import { type GroupKind, groupKinds, readGroupId } from "@meterbook/core/domain/group/group-members";
import type { ListedGroup } from "@meterbook/core/ports/group-sums";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { csvRow } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import { answerList, type List, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { answers, listAnswers } from "../http/documentation/documented.ts";
import { cursor, limit } from "../http/requests/query-schemas.ts";
import { groupId, knownGroup } from "./group-query.ts";

const cursors = cursorForm("groups", z.string().max(80));

export const listedGroupSchema = z
  .strictObject({
    groupId: z.string(),
    kind: z.enum(groupKinds),
    name: z.string().meta({ description: "Empty for the fleet" }),
    meters: z.int().meta({ description: "That are in it now" }),
  })
  .meta({ id: "ListedGroup" });

export const groupSchema = listedGroupSchema
  .extend({ registers: z.array(z.string()).meta({ description: "Of which there are sums" }) })
  .meta({ id: "Group" });

const example = { groupId: "feeder:F-12", kind: "feeder", name: "F-12", meters: 412 };
const header = "group_id,kind,name,meters\n";

export function groupRoutes(app: Api, context: ApiContext): void {
  listRoute(app, context);
  const schema = {
    tags: ["analysis"],
    summary: "A group of usage points",
    params: z.strictObject({ groupId }),
    querystring: z.strictObject({}),
    response: answers("The group", groupSchema, { ...example, registers: ["1.8.0"] }, ["group_unknown"]),
  };
  app.get("/v1/groups/:groupId", { schema }, async (request) => {
    const { groupId: id, kind, name, meters, registers } = await knownGroup(context, request.params.groupId);
    return { groupId: id, kind, name, meters, registers };
  });
}

function listRoute(app: Api, { ports, streams, limits }: ApiContext): void {
  const schema = {
    tags: ["analysis"],
    summary: "Groups of usage points",
    description: `The fleet, and what usage points say of their feeder, supplier and groups (tariffs are groups). Of each
the meters that are in it now. \`measures:…\` are the meters that measure a feeder.`,
    querystring: z.strictObject({ kind: z.enum(groupKinds).optional(), limit, cursor }),
    response: listAnswers("Groups", listedGroupSchema, example, `${header}feeder:F-12,feeder,F-12,412\n`),
  };
  app.get("/v1/groups", { schema }, async (request, reply) => {
    const { kind } = request.query;
    const scope = kind ?? "";
    const place = request.query.cursor === undefined ? undefined : cursors.decode(scope, request.query.cursor);
    const prefix = prefixOf(kind);
    const list: List<ListedGroup, string> = {
      placeOf: (group) => group.groupId,
      pages: (after, size) =>
        pagesBy(
          (afterGroupId, most) => ports.groupSums.groups({ prefix, afterGroupId, limit: most }),
          list.placeOf,
          after,
          size,
        ),
      json: listedJson,
      csv: () =>
        textEncoder((group) => {
          const { groupId: id, kind: of, name, meters } = listedJson(group);
          return csvRow([id, of, name, meters]);
        }, header),
    };
    const asked = { limit: request.query.limit, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, list, asked);
  });
}

function prefixOf(kind: GroupKind | undefined): string {
  if (kind === undefined) return "";
  return kind === "fleet" ? "fleet" : `${kind}:`;
}

function listedJson({ groupId: id, meters }: ListedGroup): z.infer<typeof listedGroupSchema> {
  const { kind, name } = readGroupId(id) ?? { kind: "group" as const, name: id };
  return { groupId: id, kind, name, meters };
}
