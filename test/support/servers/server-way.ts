import { existsSync } from "node:fs";
import { get } from "node:http";

/** How a real server is had here: as a process of what `npm run servers -- install` made, or as a container. */
export type ServerWay = "native" | "docker";

/** METERBOOK_TEST_SERVERS=docker takes containers though native servers are there, =native never takes containers. */
const wanted = process.env["METERBOOK_TEST_SERVERS"] ?? "";

/** Asked once per test file, so that a file can skip what needs servers. */
export const dockerIsThere = wanted !== "native" && (await dockerAnswers());

/** @param installed whether the native server is there. Undefined: it cannot be had. */
export function serverWay(installed: boolean): ServerWay | undefined {
  if (installed && wanted !== "docker") return "native";
  return dockerIsThere ? "docker" : undefined;
}

/** Whether a Docker engine answers on DOCKER_HOST or on its usual socket. */
function dockerAnswers(): Promise<boolean> {
  const host = process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  const socketPath = host.startsWith("unix://") ? host.slice("unix://".length) : undefined;
  if (socketPath !== undefined && !existsSync(socketPath)) return Promise.resolve(false);
  const target = socketPath === undefined ? { ...tcp(host), path: "/_ping" } : { socketPath, path: "/_ping" };
  return new Promise((resolve) => {
    const request = get({ ...target, timeout: 3000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}

function tcp(host: string): { host: string; port: string } {
  const { hostname, port } = new URL(host.replace(/^tcp:/, "http:"));
  return { host: hostname, port: port || "2375" };
}
