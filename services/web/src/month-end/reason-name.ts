import { t } from "../language/language.ts";

/** Why a revision was issued, longest beginnings first: what caused it stands behind a colon. */
const beginnings = [
  ["inputs changed after final", "issued.changedAfterFinal"],
  ["inputs changed", "issued.changed"],
  ["window closed", "issued.closed"],
  ["boundary passed", "issued.boundary"],
  ["void", "issued.void"],
] as const;

/** In words of the language in use; what caused it is the caller's own text. */
export function reasonName(reason: string): string {
  const known = beginnings.find(([text]) => reason === text || reason.startsWith(`${text}: `));
  if (known === undefined) return reason;
  const [text, id] = known;
  return `${t(id)}${reason.slice(text.length)}`;
}
