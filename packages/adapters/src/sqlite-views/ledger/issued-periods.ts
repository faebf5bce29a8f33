import type { DatabaseSync } from "node:sqlite";

/**
 * The periods of which anything was issued, ascending, and maybe one that was undone just now. Looked up again only
 * when something was written: a close asks for every meter, and a look-up in vain of each of thirteen periods cost a
 * million meters 40 s. To ask SQLite whether somebody wrote costs a fifth of a close; who writes alone knows better.
 *
 * @param changes grows whenever something may have been written; SQLite is asked where it is absent
 */
export function issuedPeriods(
  database: DatabaseSync,
  changes: () => number | string = changesOf(database),
): () => readonly number[] {
  const next = database.prepare("SELECT min(period) AS period FROM revision WHERE period > ?");
  let periods: number[] = [];
  let asOf: number | string = "";

  function* walk(): Generator<number> {
    let period = -1;
    for (;;) {
      const found = next.get(period)?.["period"];
      if (typeof found !== "number") return;
      yield found;
      period = found;
    }
  }

  return () => {
    const state = changes();
    if (state !== asOf) periods = [...walk()];
    asOf = state;
    return periods;
  };
}

/** Here and in other processes. */
function changesOf(database: DatabaseSync): () => string {
  const written = database.prepare(
    "SELECT total_changes() AS here, data_version AS elsewhere FROM pragma_data_version",
  );
  return () => {
    const now = written.get();
    return `${now?.["here"]}/${now?.["elsewhere"]}`;
  };
}
