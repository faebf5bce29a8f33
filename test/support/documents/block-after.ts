import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = new URL("../../../", import.meta.url);

/** The commands of the block that follows a heading of a page of this repository, continued lines as one. */
export async function blockAfter(page: string, heading: string): Promise<string[]> {
  const text = await readFile(fileURLToPath(new URL(page, root)), "utf8");
  const [, block = ""] = /^```\w*\n([\s\S]*?)^```/m.exec(text.slice(text.indexOf(`\n## ${heading}\n`))) ?? [];
  return block.replaceAll("\\\n", " ").trim().split("\n");
}
