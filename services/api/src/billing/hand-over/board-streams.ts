import type { ServerResponse } from "node:http";
import { ApiProblem } from "../../http/problems/problem.ts";

export interface BoardStreams {
  /**
   * Sends what `read` answers now and whenever it is another, to this client and all others of the key.
   * @throws ApiProblem `too_many_streams`
   */
  add(key: string, caller: string, into: ServerResponse, read: () => Promise<unknown>): void;
  readonly clients: number;
  /** Ends all of them. */
  close(): void;
}

export interface StreamTimes {
  readonly lookMs: number;
  /** Something is sent so often at least: what stands between must not take the connection for dead. */
  readonly heartbeatMs: number;
  /** A client comes again by itself after it was ended, and its key is looked at again. */
  readonly lastsMs: number;
  readonly clientsMax: number;
  readonly clientsPerCallerMax: number;
}

export const usualStreamTimes: StreamTimes = {
  lookMs: 2000,
  heartbeatMs: 15_000,
  lastsMs: 600_000,
  clientsMax: 200,
  clientsPerCallerMax: 20,
};

/** What a client has not taken: one that stands still is ended. */
const unsentBytesMax = 256 * 1024;

interface Board {
  readonly clients: Map<ServerResponse, string>;
  newest: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Server-sent events, one look for all who watch the same. */
export function boardStreams(times: StreamTimes = usualStreamTimes): BoardStreams {
  const boards = new Map<string, Board>();
  const all = () => [...boards.values()].flatMap(({ clients }) => [...clients]);
  const heartbeat = setInterval(() => {
    for (const [client] of all()) send(client, ": still here\n\n");
  }, times.heartbeatMs).unref();

  function look(key: string, board: Board, read: () => Promise<unknown>): void {
    read()
      .then((found) => {
        const text = JSON.stringify(found);
        if (text === board.newest) return;
        board.newest = text;
        for (const client of board.clients.keys()) send(client, eventOf(text));
      })
      // What cannot be read now is looked for again: clients keep what they have.
      .catch(() => undefined)
      .finally(() => {
        if (boards.get(key) === board) board.timer = setTimeout(() => look(key, board, read), times.lookMs).unref();
      });
  }

  function leave(key: string, client: ServerResponse): void {
    const board = boards.get(key);
    if (board?.clients.delete(client) !== true || board.clients.size > 0) return;
    clearTimeout(board.timer);
    boards.delete(key);
  }

  return {
    add(key, caller, into, read) {
      // Its "close" has been, and would not be told again.
      if (into.destroyed) return;
      const own = all().filter(([, of]) => of === caller).length;
      if (all().length >= times.clientsMax || own >= times.clientsPerCallerMax)
        throw new ApiProblem("too_many_streams", "ask GET /v1/periods/{period} from time to time instead", {
          headers: { "retry-after": "10" },
        });
      const known = boards.get(key);
      const board: Board = known ?? { clients: new Map(), newest: undefined, timer: undefined };
      boards.set(key, board);
      board.clients.set(into, caller);
      const lasts = setTimeout(() => into.end(), times.lastsMs).unref();
      into.once("close", () => {
        clearTimeout(lasts);
        leave(key, into);
      });
      into.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      into.write("retry: 3000\n\n");
      if (known === undefined) look(key, board, read);
      else if (board.newest !== undefined) send(into, eventOf(board.newest));
    },
    get clients() {
      return all().length;
    },
    close() {
      clearInterval(heartbeat);
      for (const [client] of all()) client.end();
    },
  };
}

function eventOf(text: string): string {
  return `event: board\ndata: ${text}\n\n`;
}

function send(client: ServerResponse, text: string): void {
  if (client.writableLength > unsentBytesMax) client.destroy();
  else client.write(text);
}
