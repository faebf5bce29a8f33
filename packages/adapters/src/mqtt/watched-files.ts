import { statSync } from "node:fs";

/** Something that was read from files and is read again when they change. */
export interface Watched<Content> {
  current(): Content;
  close(): void;
}

export interface WatchOptions<Content> {
  readonly files: readonly string[];
  /** Reads all of them. May throw: at the start that is the caller's; later what was read before stays. */
  readonly read: () => Content;
  readonly everyMs?: number;
  readonly changed?: (content: Content) => void;
  readonly failed: (error: unknown) => void;
}

/** By looking, because certificates are often renewed by moving links, which watching misses. */
export function watchFiles<Content>({
  files,
  read,
  everyMs = 10_000,
  changed,
  failed,
}: WatchOptions<Content>): Watched<Content> {
  let content = read();
  let seen = stamps(files);

  function look(): void {
    const now = stamps(files);
    if (now === seen) return;
    seen = now;
    try {
      content = read();
      changed?.(content);
    } catch (error) {
      failed(error);
    }
  }

  const timer = setInterval(look, everyMs);
  timer.unref();
  return { current: () => content, close: () => clearInterval(timer) };
}

function stamps(files: readonly string[]): string {
  return files
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found === undefined ? "gone" : `${found.mtimeMs}/${found.size}/${found.ino}`;
    })
    .join(" ");
}
