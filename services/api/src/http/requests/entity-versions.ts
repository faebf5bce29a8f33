import type { FastifyReply, FastifyRequest } from "fastify";
import { ApiProblem, requestInvalid } from "../problems/problem.ts";

/**
 * Answers about an entity name its version in their ETag, `"v7-…"`. A change with `If-Match` and that ETag holds only
 * if nobody has changed the entity since.
 */
export function nameVersion(reply: FastifyReply, version: number): void {
  reply.header("etag", versionTag(version));
}

function versionTag(version: number): string {
  return `"v${version}"`;
}

/** An ETag that a route has set, with what tells its content from others of the same version. */
export function tagWithContent(tag: string, contentHash: string): string {
  return `${tag.slice(0, -1)}-${contentHash}"`;
}

const tags = /^(?:W\/)?"v(\d{1,9})(?:-[A-Za-z0-9_-]*)?"$/;

/**
 * The version that the caller wants to change; undefined where any will do. `If-None-Match: *`: there must be none.
 *
 * @param newest asked for where the caller names no version, but that there be one
 * @throws ApiProblem `request_invalid`, `version_mismatch`
 */
export async function wantedVersion(
  { headers }: Pick<FastifyRequest, "headers">,
  newest: () => Promise<number>,
): Promise<number | undefined> {
  if (headers["if-none-match"]?.trim() === "*") return 0;
  const sent = headers["if-match"]?.trim();
  if (sent === undefined) return undefined;
  if (sent === "*") {
    const version = await newest();
    if (version === 0) throw versionMismatch("what is to be changed", 0);
    return version;
  }
  const version = tags.exec(sent)?.[1];
  if (version !== undefined) return Number(version);
  throw requestInvalid([{ field: "if-match", message: 'an ETag of an answer about the same, such as "v7-…", or *' }]);
}

export function versionMismatch(what: string, version: number): ApiProblem {
  const now = version === 0 ? "has no record" : `has version ${version} now`;
  const message = `${what} ${now}: read it again, and make the change from there`;
  return new ApiProblem("version_mismatch", message, { errors: [{ field: "if-match", message }] });
}
