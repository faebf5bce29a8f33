import { readFileSync } from "node:fs";
import type { KeptSeal } from "@meterbook/core/domain/seal/seal";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import { z } from "zod";
import { CommandError } from "./run-command.ts";

const shard = z.object({ shard: z.int().min(0), size: z.int().min(1), root: z.string().regex(/^[0-9a-f]{64}$/) });
const answer = z.object({ period: z.string(), shards: z.array(shard) });

/** Answers of `GET /v1/periods/{period}/seal` in a file, one in each line. Throws what is wrong with it. */
export function keptSeals(file: string): KeptSeal[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const seals = lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const read = answer.safeParse(jsonOf(line));
    const period = parsePeriod(read.data?.period ?? "");
    if (!read.success || period === undefined)
      throw new CommandError(`${file} line ${index + 1} is not an answer of GET /v1/periods/{period}/seal`);
    return read.data.shards.map(({ shard: number, size, root }) => ({ period, shard: number, size, root }));
  });
  if (seals.length === 0) throw new CommandError(`${file} holds no seals`);
  return seals;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
