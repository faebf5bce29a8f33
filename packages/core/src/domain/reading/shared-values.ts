/**
 * Holds each of a few values once, however many need it: millions of meters have the same names and layouts. Beyond
 * `max` of them the others are made anew each time, so that what outsiders send cannot fill memory.
 */
export function sharedValues<Value>(max: number): (key: string, make: () => Value) => Value {
  const values = new Map<string, Value>();
  return (key, make) => {
    const known = values.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (values.size < max) values.set(key, made);
    return made;
  };
}
