import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system of its own with a few megabytes, that can be filled up. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all room that is left. */
  fill(): Promise<void>;
  makeRoom(): Promise<void>;
  close(): void;
}

/** Mounts a tmpfs; answers why not where this is not allowed (it takes root on Linux). */
export function mountSmallDisk(megabytes: number): SmallDisk | string {
  const path = mkdtempSync(join(tmpdir(), "meterbook-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { encoding: "utf8" });
  if (mounted.status !== 0) {
    rmdirSync(path);
    return `no small file system can be mounted here: ${mounted.error?.message ?? mounted.stderr.trim()}`;
  }
  const filler = join(path, "filler");
  return {
    path,
    fill: () => writeUntilFull(filler),
    makeRoom: () => rm(filler),
    close() {
      spawnSync("umount", ["-l", path]);
      rmdirSync(path);
    },
  };
}

async function writeUntilFull(file: string): Promise<void> {
  const handle = await open(file, "a");
  try {
    for (let size = 64 * 1024; size >= 512; ) {
      const written = await handle.write(Buffer.alloc(size)).catch(() => undefined);
      if (written?.bytesWritten !== size) size /= 2;
    }
  } finally {
    await handle.close();
  }
}
