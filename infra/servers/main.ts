import { mkdirSync } from "node:fs";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";
import { runningPid, startInBackground, stopInBackground } from "./background-process.ts";
import { installable, installServers } from "./install-servers.ts";
import { installedServers } from "./installed-servers.ts";
import type { LocalServer } from "./local-servers.ts";
import { localServers, settingsForServices } from "./local-servers.ts";
import { accepts } from "./server-answers.ts";
import type { ServersSettings } from "./servers-settings.ts";
import { serversSettings } from "./servers-settings.ts";

const usage = `npm run servers -- install [${installable.join("|")}|all]   all but compose where nothing is named
npm run servers -- start | stop | status
docs/servers.md says where things are kept and which settings there are.`;

const { words } = optionsOrExit({ usage, takesWords: true });
const [verb = "", ...names] = words;
try {
  process.exitCode = await obey(verb);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function obey(verb: string): Promise<number> {
  if (verb === "install") return install();
  if (names.length > 0 || !["start", "stop", "status"].includes(verb)) return complain(usage);
  const settings = serversSettings();
  const servers = localServers(settings);
  if (verb === "start") return start(servers, settings);
  return verb === "stop" ? stop(servers) : status(servers, settings);
}

async function install(): Promise<number> {
  const unknown = names.filter((name) => name !== "all" && !installable.includes(name));
  if (unknown.length > 0) return complain(`there is no ${unknown.join(", ")}\n${usage}`);
  const standard = installable.filter((name) => name !== "compose");
  const wanted = names.length === 0 ? standard : names.includes("all") ? installable : names;
  const problems = await installServers(wanted);
  for (const problem of problems) console.error(problem);
  if (names.length === 0 && installedServers().mosquitto === undefined)
    console.error("mosquitto is not here: apt-get install mosquitto");
  return problems.length === 0 ? 0 : 1;
}

async function start(servers: readonly LocalServer[], settings: ServersSettings): Promise<number> {
  const waiting = servers.filter(({ directory }) => runningPid(directory) === undefined);
  const missing = waiting.flatMap((server) => server.missing);
  if (missing.length > 0) return complain(`not here: ${missing.join(", ")}`);
  const taken = await takenPorts(waiting);
  if (taken.length > 0) return complain(taken.join("\n"));
  for (const server of servers) {
    const { name, directory } = server;
    const running = runningPid(directory);
    if (running === undefined) {
      mkdirSync(directory, { recursive: true });
      server.prepare();
      const pid = await startInBackground(server);
      await server.settle();
      console.log(`${name}: started (pid ${pid}, log and data in ${directory})`);
    } else console.log(`${name}: already runs (pid ${running})`);
  }
  console.log(`\n${settingsForServices(settings).join("\n")}`);
  return 0;
}

async function takenPorts(servers: readonly LocalServer[]): Promise<string[]> {
  const ports = servers.flatMap((server) => Object.entries(server.ports));
  const lines = ports.map(async ([setting, port]) =>
    (await accepts(port).catch(() => false)) ? `port ${port} is in use by another program: set ${setting}` : "",
  );
  return (await Promise.all(lines)).filter((line) => line !== "");
}

async function stop(servers: readonly LocalServer[]): Promise<number> {
  for (const { name, directory } of servers) {
    const pid = await stopInBackground(directory);
    console.log(pid === undefined ? `${name}: does not run` : `${name}: stopped (pid ${pid})`);
  }
  return 0;
}

/** 0 when all of them run and answer. */
async function status(servers: readonly LocalServer[], settings: ServersSettings): Promise<number> {
  let ready = true;
  for (const server of servers) {
    const pid = runningPid(server.directory);
    const answers = pid !== undefined && (await server.answers().catch(() => false));
    ready &&= answers;
    const state = pid === undefined ? "does not run" : answers ? `runs (pid ${pid})` : `does not answer (pid ${pid})`;
    console.log(`${server.name}: ${server.missing.length > 0 ? `not here: ${server.missing.join(", ")}` : state}`);
  }
  if (ready) console.log(`\n${settingsForServices(settings).join("\n")}`);
  return ready ? 0 : 3;
}

function complain(text: string): number {
  console.error(text);
  return 1;
}
