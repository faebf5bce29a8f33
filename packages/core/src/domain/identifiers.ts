/** The form of a meter id and of a usage point id: safe in a topic, a path, a file name and a CSV cell. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isId(text: string): boolean {
  return idPattern.test(text);
}

const obis = /^(?:(\d{1,3})-(\d{1,3}):)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/**
 * The canonical form of an OBIS code: short `C.D.E` for electricity (`1-0:`), full `A-B:C.D.E` for anything else.
 * Undefined when it is not an OBIS code (groups 0 to 255 without leading zeros), so one quantity has one name.
 */
export function canonicalRegister(text: string): string | undefined {
  const groups = obis.exec(text)?.slice(1);
  if (groups === undefined) return undefined;
  for (const group of groups) {
    if (group !== undefined && (Number(group) > 255 || (group.length > 1 && group.startsWith("0")))) return undefined;
  }
  return text.startsWith("1-0:") ? text.slice(4) : text;
}
