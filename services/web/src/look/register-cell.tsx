import { registerWords } from "../curves/register-name.ts";

/** A register's code, and below it what it counts. */
export function RegisterCell({ register }: { register: string }) {
  const words = registerWords(register);
  return (
    <>
      {register}
      {words === undefined ? null : <small class="words">{words}</small>}
    </>
  );
}
