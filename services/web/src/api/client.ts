import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.d.ts";

export type Schemas = components["schemas"];

/** Typed by the API's own OpenAPI document; cookies go along by themselves. */
export const api = createClient<paths, "application/json">({ baseUrl: location.origin });

/** What a call ended in: a problem document of the API, or the network's silence (status 0). */
export class CallProblem extends Error {
  override readonly name = "CallProblem";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

interface Answered<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

const listeners = new Set<() => void>();

/** Called when a call finds that nobody is signed in any more. */
export function onSignedOut(listener: () => void): void {
  listeners.add(listener);
}

/** @throws CallProblem unless the call was answered as asked */
export async function ask<Data>(call: Promise<Answered<Data>>): Promise<Data> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new CallProblem(0, "offline", cause instanceof Error ? cause.message : String(cause));
  });
  if (error === undefined && response.ok) return data as Data;
  if (response.status === 401) for (const listener of listeners) listener();
  const { code = "internal", detail = response.statusText } = (error ?? {}) as { code?: string; detail?: string };
  throw new CallProblem(response.status, code, detail);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
