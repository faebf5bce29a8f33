/** The topics of the contract (section 4), without their prefix. */
export const topics = {
  readings: "readings.v1",
  rejected: "rejected.v1",
  registry: "registry.v1",
  snapshots: "snapshots.v1",
  billing: "billing.v1",
  damage: "damage.v1",
  tallies: "tallies.v1",
  jobs: "jobs.v1",
  gaps: "gaps.v1",
  audit: "audit.v1",
} as const;

export type TopicName = keyof typeof topics;
