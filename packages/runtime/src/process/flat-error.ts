/** An error as plain data: structured cloning between threads would drop `code`, `port` and the like. */
export interface FlatError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: FlatError | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

const causesMax = 8;

export function flatError(error: unknown, causesLeft = causesMax): FlatError {
  if (!(error instanceof Error)) {
    return { name: "Error", message: String(error), stack: undefined, cause: undefined, details: {} };
  }
  const { name, message, stack, cause } = error;
  const details = Object.entries(error).filter(
    ([key, value]) => key !== "name" && ["string", "number", "boolean"].includes(typeof value),
  );
  const flatCause = cause === undefined || causesLeft === 0 ? undefined : flatError(cause, causesLeft - 1);
  return { name, message, stack, cause: flatCause, details: Object.fromEntries(details) };
}

export function errorFrom(flat: FlatError): Error {
  const error = new Error(flat.message, flat.cause && { cause: errorFrom(flat.cause) });
  Object.defineProperty(error, "name", { value: flat.name });
  if (flat.stack !== undefined) Object.defineProperty(error, "stack", { value: flat.stack });
  return Object.assign(error, flat.details);
}
