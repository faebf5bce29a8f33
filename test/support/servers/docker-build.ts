import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whether a program can be run so, and ends well. */
export function endsWell(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, [...args]).then(
    () => true,
    () => false,
  );
}

/** Environment of what builds an image: the legacy builder where the engine has no other, as Debian's has not. */
export async function buildEnvironment(): Promise<NodeJS.ProcessEnv> {
  const hasBuildx = await endsWell("docker", ["buildx", "version"]);
  return { ...process.env, ...(hasBuildx ? {} : { DOCKER_BUILDKIT: "0" }) };
}

/** The registry that npm asks here: a mirror where there is one (docs/servers.md). */
export async function npmRegistry(): Promise<string> {
  return (await run("npm", ["config", "get", "registry"])).stdout.trim();
}
