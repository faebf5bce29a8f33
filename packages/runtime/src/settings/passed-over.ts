/** Offsets of a partition of a topic that nobody waits for. */
export interface PassedOverSetting {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Each is a record of its own that is told as damage. */
const offsetsMax = 100_000;

/** `topic/partition/from-to,...`; undefined where it is not that. */
export function passedOver(text: string): readonly PassedOverSetting[] | undefined {
  const list = text.split(",").map((one) => stretchOf(one.trim()));
  return list.every((one) => one !== undefined) ? list : undefined;
}

function stretchOf(text: string): PassedOverSetting | undefined {
  const found = /^([\w.-]{1,249})\/(\d{1,3})\/(\d{1,15})-(\d{1,15})$/.exec(text);
  if (found === null) return undefined;
  const [, topic = "", partition, from, to] = found;
  const stretch = { topic, partition: Number(partition), from: Number(from), to: Number(to) };
  return stretch.to >= stretch.from && stretch.to - stretch.from < offsetsMax ? stretch : undefined;
}
