import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiClient } from "../network/api-client.ts";
import { apiClient } from "../network/api-client.ts";
import type { ServiceProcess } from "./service-process.ts";
import { serviceProcess } from "./service-process.ts";

export type { Status } from "../network/api-client.ts";

/** Meterbook as one process, on a data directory that outlives kills. */
export interface MeterbookProcess extends ServiceProcess, ApiClient {
  readonly dataDir: string;
  dispose(): Promise<void>;
}

const readyMsMax = 30_000;

export async function startMeterbook(
  settings: Record<string, string> = {},
  options: readonly string[] = [],
): Promise<MeterbookProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-process-"));
  const environment = { METERBOOK_DATA_DIR: dataDir, ...settings };
  const service = serviceProcess("standalone", { environment, cwd: dataDir, readyMsMax, options });
  const api = apiClient(
    () => service.httpUrl,
    () => service.errors().slice(-4000),
  );
  async function dispose(): Promise<void> {
    await service.kill();
    await rm(dataDir, { recursive: true, force: true });
  }
  try {
    await service.start();
  } catch (error) {
    await dispose();
    throw error;
  }
  // The getters of the process stay getters: its addresses change with every start.
  return Object.defineProperties(
    { ...api, dataDir, dispose } as MeterbookProcess,
    Object.getOwnPropertyDescriptors(service),
  );
}
