import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { faults } from "./faults.ts";

/** Behind the seed that has found it: where code or walk is changed, another near by may. */
const walksMax = 30;
const [hook, main] = ["./with-fault.ts", "./main.ts"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Walks with the fault in a process of its own: the text of the code is another there. */
async function walked(name: string, seed: number): Promise<{ code: number | null; output: string }> {
  const walks = ["--seed", `${seed}`, "--minutes", "2", "--walks", `${walksMax}`];
  const env = { ...process.env, WALK_FAULT: name };
  const child = spawn(process.execPath, ["--import", hook as string, main as string, ...walks], { env });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes) => {
      output += bytes;
    });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output };
}

test.for(faults)("the walk finds that $name", { timeout: 150_000 }, async ({ name, seed }) => {
  const { code, output } = await walked(name, seed);
  // A process that did not begin to walk found nothing.
  expect(output).toContain(`with a fault: ${name}`);
  expect(output).toMatch(/^failed: npm run walk -- --seed \d+/m);
  expect(code).toBe(1);
});
