import type { Channel, Reading } from "@meterbook/core/domain/reading/reading";
import { originOf, qualityOf, readingCode, revisionOf } from "@meterbook/core/domain/reading/reading";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import type { NamedReading } from "../analysis/reading-id.ts";
import { namedReading } from "../analysis/reading-id.ts";
import type { ApiPorts } from "../api-ports.ts";
import { ApiProblem } from "../http/problems/problem.ts";

export const verdicts = ["accept", "reject"] as const;
export type Verdict = (typeof verdicts)[number];

export interface Judged {
  readonly id: string;
  readonly verdict: Verdict;
  readonly recordedAtMs: number;
}

/**
 * Puts an operator's verdict into the readings log: the same value once more, of an operator. An operator's reading is
 * in effect before all others, so the store and the months follow from the log alone. A later verdict has a higher
 * revision. The same verdict again changes nothing.
 */
export async function judgeReading(
  { series, readingsLog, clock }: Pick<ApiPorts, "series" | "readingsLog" | "clock">,
  id: string,
  { verdict, reason, by }: { readonly verdict: Verdict; readonly reason: string; readonly by: string },
): Promise<Judged> {
  const named = namedReading(id);
  const { meterId, at, value } = named;
  const meter = await series.meter(meterId);
  const channel = meter?.channels.find((one) => isOf(one, named));
  const [found] =
    channel === undefined ? [] : await series.read(meterId, { from: at, to: at, channels: [channel.index] });
  const standing = found === undefined ? undefined : { at, value: found.value[0] ?? 0, code: found.code[0] ?? 0 };
  if (channel === undefined || standing === undefined || !(await isKnown(series, named, standing, verdict)))
    throw new ApiProblem(
      "reading_unknown",
      `there is no reading ${id} ${verdict === "reject" ? "in effect" : "stored"}`,
    );
  const recordedAtMs = clock.nowMs();
  const judged = { id, verdict, recordedAtMs };
  const quality = verdict === "accept" ? "actual" : "suspect";
  const isJudged = originOf(standing.code) === "operator";
  if (isJudged && standing.value === value && qualityOf(standing.code) === quality) return judged;
  const code = readingCode(quality, "operator", { revision: isJudged ? revisionOf(standing.code) + 1 : 0 });
  const { register, kind, unit, stepSeconds } = channel;
  const one = { channel: { register, kind, unit, stepSeconds }, at: [at], value: [value], code: [code] };
  const note = `${verdict}ed by ${by}, ${register} of ${formatInstant(at)}: ${reason}`;
  const report = encodeReport({ series: [one], note });
  await readingsLog.append({ meterId, receivedAtMs: recordedAtMs, origin: "operator", report, readings: 1 });
  return judged;
}

function isOf(channel: Channel, { register, kind, stepSeconds }: NamedReading): boolean {
  return channel.register === register && channel.kind === kind && channel.stepSeconds === stepSeconds;
}

const conflictsPerPage = 500;
const conflictPagesMax = 20;

/** A value that another one stands in the place of can be accepted, and need not be refused. */
async function isKnown(
  series: ApiPorts["series"],
  named: NamedReading,
  standing: Reading,
  verdict: Verdict,
): Promise<boolean> {
  if (standing.value === named.value) return true;
  if (verdict === "reject") return false;
  let afterId = 0;
  for (let page = 0; page < conflictPagesMax; page += 1) {
    const conflicts = await series.conflictsOf(named.meterId, { afterId, limit: conflictsPerPage });
    const isOne = ({ channel, at, refused, kept }: (typeof conflicts)[number]) =>
      at === named.at && isOf(channel, named) && (refused.value === named.value || kept.value === named.value);
    if (conflicts.some(isOne)) return true;
    const last = conflicts.at(-1);
    if (last === undefined || conflicts.length < conflictsPerPage) return false;
    afterId = last.id;
  }
  return false;
}
