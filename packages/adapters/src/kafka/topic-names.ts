/** The topics of the contract (section 4), without their prefix; commands and replies are between our own processes, in JSON. */
export const topics = {
  readings: "readings.v1",
  rejected: "rejected.v1",
  registry: "registry.v1",
  snapshots: "snapshots.v1",
  billing: "billing.v1",
  damage: "damage.v1",
  tallies: "tallies.v1",
  commands: "commands.v1",
  replies: "replies.v1",
} as const;

export type TopicName = keyof typeof topics;
