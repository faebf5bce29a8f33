import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpBalancer {
  /** `127.0.0.1:port` */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Shares connections out among `targets()` (URLs) in turn; one that does not accept is passed over. What stands in
 * front of several processes of a service.
 */
export async function startTcpBalancer(targets: () => readonly string[]): Promise<TcpBalancer> {
  const open = new Set<Socket>();
  let next = 0;
  const server = createServer((client) => {
    open.add(client);
    client.on("error", () => client.destroy());
    client.on("close", () => open.delete(client));
    const urls = targets().filter((url) => url !== "");
    next += 1;
    join(
      client,
      urls.map((_, i) => urls[(i + next) % urls.length] as string),
    );
  });

  function join(client: Socket, [url, ...others]: readonly string[]): void {
    if (url === undefined) {
      client.destroy();
      return;
    }
    const { hostname, port } = new URL(url);
    const upstream = connect(Number(port), hostname);
    upstream.once("error", () => (upstream.connecting ? undefined : client.destroy()));
    upstream.once("connect", () => {
      open.add(upstream);
      client.pipe(upstream).pipe(client);
      upstream.on("close", () => {
        open.delete(upstream);
        client.destroy();
      });
      client.on("close", () => upstream.destroy());
    });
    upstream.once("close", (failed) => {
      if (failed && !open.has(upstream) && !client.destroyed && client.bytesWritten === 0) join(client, others);
    });
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
