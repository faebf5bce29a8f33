import { statSync } from "node:fs";

/** Something that was read from files and is read again when they change. */
export interface Watched<Content> {
  current(): Content;
  close(): void;
}

export interface WatchOptions<Content> {
  readonly files: readonly string[];
  /**
   * Reads all of them; `before` is what was read last. It may throw. At the start the caller handles that; later the
   * content from before stays.
   */
  readonly read: (before: Content | undefined) => Content;
  readonly everyMs?: number | undefined;
  readonly changed?: (content: Content) => void;
  readonly failed: (error: unknown) => void;
}

/** By looking, because certificates are often renewed by moving links, which watching misses. */
export function watchFiles<Content>({
  files,
  read,
  everyMs = 2000,
  changed,
  failed,
}: WatchOptions<Content>): Watched<Content> {
  // Before they are read: what changes meanwhile is seen by the next look.
  let seen = stamps(files);
  let content = read(undefined);

  function look(): void {
    const now = stamps(files);
    if (now === seen) return;
    seen = now;
    try {
      content = read(content);
    } catch (error) {
      return failed(error);
    }
    changed?.(content);
  }

  const timer = setInterval(look, everyMs);
  timer.unref();
  return { current: () => content, close: () => clearInterval(timer) };
}

function stamps(files: readonly string[]): string {
  return files.map(stampOf).join(" ");
}

function stampOf(file: string): string {
  try {
    // The time of the change tells of rights too, with which a file becomes readable.
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return `${mtimeMs}/${ctimeMs}/${size}/${ino}`;
  } catch {
    return "gone";
  }
}
