import { type SettingName, settingNames } from "./setting-schema.ts";

const known: ReadonlySet<string> = new Set(settingNames);

/** Of so many names, and of names so long, a guess is worth its work: a whole file of slips is something else. */
const [guessedMax, guessedLengthMax] = [5, 60];

/** A misspelt setting would silently mean its default, so a name that we do not know is a problem. */
export function unknownSettings(given: Readonly<Record<string, string | undefined>>) {
  return Object.entries(given)
    .filter(([name, value]) => !known.has(name) && !belongsToOthers(name, value ?? ""))
    .map(([name], index) => {
      const nearest = index < guessedMax && name.length <= guessedLengthMax ? nearestName(name) : undefined;
      const hint = nearest === undefined ? "" : `, did you mean ${nearest}?`;
      return { name, value: undefined, expected: `a name of a setting${hint}` };
    });
}

/**
 * Names that tests, benchmarks, `npm run servers` and compose.yaml keep for themselves, and those that Kubernetes and
 * Docker put into the environment of every container beside a service that is called `meterbook` or `meterbook-…`.
 */
function belongsToOthers(name: string, value: string): boolean {
  if (/^METERBOOK_(TEST|BENCH|SERVERS|COMPOSE)_/.test(name)) return true;
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name)) return true;
  return (
    /_PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?$/.test(name) && (/^(tcp|udp):/.test(value) || /_PORT_\d/.test(name))
  );
}

/** The known name that needs the fewest edits, where those are few enough for a slip. */
function nearestName(name: string): SettingName | undefined {
  const ranked = settingNames
    .map((candidate) => ({ candidate, edits: editDistance(name.toUpperCase(), candidate) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  const editsMax = 0.6 * (name.length - "METERBOOK_".length);
  return best !== undefined && best.edits <= editsMax ? best.candidate : undefined;
}

/** Levenshtein: inserted, dropped and changed characters. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const change = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
