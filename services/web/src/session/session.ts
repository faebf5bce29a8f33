import { signal } from "@preact/signals";
import { api, ask, onSignedOut, type Schemas } from "../api/client.ts";

export type Session = Schemas["Session"];
export type Scope = Session["scopes"][number];

/** Undefined until the API has told it. */
export const session = signal<Session | undefined>(undefined);

onSignedOut(() => void readSession().catch(() => undefined));

export async function readSession(): Promise<void> {
  session.value = await ask(api.GET("/v1/session"));
}

export async function signIn(key: string): Promise<void> {
  session.value = await ask(api.POST("/v1/session", { body: { key } }));
}

export async function signOut(): Promise<void> {
  session.value = await ask(api.DELETE("/v1/session"));
}

export function isSignedIn({ keyNeeded, name }: Session): boolean {
  return !keyNeeded || name !== null;
}

/** Whether who is signed in may do what needs one of these scopes. */
export function may(...scopes: readonly Scope[]): boolean {
  return session.value?.scopes.some((scope) => scopes.includes(scope)) ?? false;
}
