import { registerWords } from "../curves/register-name.ts";
import { t } from "../language/language.ts";
import type { Row } from "./why.ts";

interface RegisterHeadProps {
  /** Of the heading, which names the panel. */
  readonly id: string;
  readonly row: Pick<Row, "register" | "quality">;
}

/** Which register a panel is of, and how good its month is. */
export function RegisterHead({ id, row: { register, quality } }: RegisterHeadProps) {
  const words = registerWords(register);
  return (
    <div class="panel-head">
      <div>
        <h2 id={id}>{register}</h2>
        {words === undefined ? null : <p class="soft">{words}</p>}
      </div>
      <span class="quality">
        <i class={`mark mark-${quality}`} /> {t(`quality.${quality}`)}
      </span>
    </div>
  );
}
