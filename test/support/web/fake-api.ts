import { vi } from "vitest";

type ListOf = (query: URLSearchParams) => readonly object[];

/**
 * Answers the client's calls from lists in memory, in pages as the API does. To be made before the client is loaded.
 * Gives the calls as they come: path and query.
 */
export function fakeApi(lists: Readonly<Record<string, ListOf>>): { readonly calls: string[] } {
  const calls: string[] = [];
  vi.stubGlobal("location", { origin: "http://pages.test" });
  vi.stubGlobal("fetch", (request: Request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    calls.push(decodeURIComponent(pathname + search));
    const limit = Number(searchParams.get("limit") ?? 100);
    if (limit > 1000) return Promise.resolve(Response.json({ code: "bad_request" }, { status: 400 }));
    const all = lists[pathname]?.(searchParams);
    if (all === undefined) return Promise.resolve(Response.json({ code: "not_found" }, { status: 404 }));
    const first = Number(searchParams.get("cursor") ?? 0);
    const end = first + limit;
    const next = end < all.length ? { nextCursor: String(end) } : {};
    return Promise.resolve(Response.json({ items: all.slice(first, end), ...next }));
  });
  return { calls };
}

interface FakeReading {
  readonly at: string;
  readonly register: string;
}

/** Readings as `GET /v1/meters/{meterId}/readings` chooses them. */
export function readingsOf(all: readonly FakeReading[]): ListOf {
  return (query) => {
    const [from, to] = ["from", "to"].map((name) => Date.parse(query.get(name) as string));
    return all
      .filter(({ register }) => register === query.get("register"))
      .filter(({ at }) => Date.parse(at) >= (from as number) && Date.parse(at) < (to as number));
  };
}
