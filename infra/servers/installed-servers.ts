import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The versions that `npm run servers -- install` makes; pom.xml and the go.mod files pin the same. */
export const versions = { kafka: "4.1.0", influxdb: "2.9.1", telegraf: "1.37.2", compose: "2.40.3" } as const;

/** Where what is installed lies; undefined where it is not. */
export interface InstalledServers {
  /** The folder of Kafka's jars. */
  readonly kafkaLibs: string | undefined;
  readonly java: string | undefined;
  readonly influxd: string | undefined;
  readonly telegraf: string | undefined;
  readonly mosquitto: string | undefined;
  /** Docker Compose as a program of its own. */
  readonly compose: string | undefined;
}

/** Per user and outside the checkout, so that every checkout of a machine shares it. */
export function serversCache(): string {
  const { METERBOOK_SERVERS_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  return own ?? join(xdg ?? join(homedir(), ".cache"), "meterbook", "servers");
}

export function installedServers(): InstalledServers {
  const cache = serversCache();
  const libs = join(cache, `kafka-${versions.kafka}`);
  return {
    kafkaLibs: existsSync(libs) && readdirSync(libs).some((name) => name.startsWith("kafka_")) ? libs : undefined,
    java: onPath("java"),
    influxd: present(join(cache, `influxd-${versions.influxdb}`)),
    telegraf: present(join(cache, `telegraf-${versions.telegraf}`)),
    mosquitto: onPath("mosquitto"),
    compose: present(join(cache, `docker-compose-${versions.compose}`)),
  };
}

/** Also in the folders of system programs, which are not on every user's PATH. */
export function onPath(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

function present(file: string): string | undefined {
  return existsSync(file) ? file : undefined;
}
