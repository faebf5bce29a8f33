import { pathOf } from "./directory-files.ts";
import { whyUnreadable } from "./inspect-directory.ts";
import type { Trouble } from "./judge-directory.ts";

/** Nothing that is billed relies on these, and no mark says what they held. */
const lostWith = {
  billing: "what billing said that it used",
  jobs: "what became of closes that were asked for",
  gaps: "when meters were asked for what is missing; the gaps themselves are found again",
  groups: "nothing: the sums of groups are made again from the readings",
} as const;

export type BesideFile = keyof typeof lostWith;

export interface BesideTrouble extends Omit<Trouble, "file"> {
  readonly file: BesideFile;
}

export const besideFiles = Object.keys(lostWith) as readonly BesideFile[];

/** Those that are damaged: their threads would end in the middle of a start. */
export function besideTroubles(dataDir: string): readonly BesideTrouble[] {
  return besideFiles.flatMap((file) => {
    const detail = whyUnreadable(pathOf(dataDir, file));
    if (detail === undefined) return [];
    const restore = file === "billing" ? ["restore a backup: npm run restore -- --from BACKUP"] : [];
    const goOn = `${file === "billing" ? "or " : ""}let a start make it anew: npm run repair -- --accept-loss ${file} --reason WHY`;
    return [{ file, what: `cannot be read (${detail})`, lost: lostWith[file], lostCount: 0, help: [...restore, goOn] }];
  });
}
