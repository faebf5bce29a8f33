import { messageOf } from "@meterbook/core/ports/adapter-error";

export interface Closable {
  close(): Promise<void> | void;
}

/** Hands a thing over to be closed when the service stops; answers the thing. `name` is for the log. */
export type Own = <Thing extends Closable>(thing: Thing, name?: string) => Thing;

export interface OwnedThings {
  readonly own: Own;
  /**
   * Closes everything newest first, one after the other, for at most `msMax` together. A failure does not keep the
   * others open. Answers one phrase per thing that failed to close, empty when all is well. Later calls answer the
   * same.
   */
  closeAll(msMax: number): Promise<readonly string[]>;
}

/** What a service has opened so far. A thing that comes after `closeAll` has begun is closed at once. */
export function ownedThings(): OwnedThings {
  const open: { thing: Closable; name: string }[] = [];
  let closing: Promise<readonly string[]> | undefined;
  return {
    own(thing, name = `part ${open.length + 1}`) {
      if (closing === undefined) open.push({ thing, name });
      else void closeOne({ thing, name });
      return thing;
    },
    closeAll(msMax) {
      closing ??= closeNewestFirst(open, msMax);
      return closing;
    },
  };
}

async function closeNewestFirst(open: { thing: Closable; name: string }[], msMax: number): Promise<readonly string[]> {
  const problems: string[] = [];
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), msMax);
  for (let owned = open.pop(); owned !== undefined; owned = open.pop()) {
    const problem = await Promise.race([closeOne(owned), late.promise]);
    if (problem === "late") {
      const names = [owned, ...open.toReversed()].map(({ name }) => name);
      problems.push(`${names.join(", ")}: not closed within ${msMax / 1000} s`);
      break;
    }
    if (problem !== undefined) problems.push(problem);
  }
  clearTimeout(timer);
  return problems;
}

async function closeOne({ thing, name }: { thing: Closable; name: string }): Promise<string | undefined> {
  try {
    await thing.close();
    return undefined;
  } catch (error) {
    return `${name}: ${messageOf(error)}`;
  }
}
