import type { AuditLog } from "@meterbook/core/ports/audit-log";
import type { BillingLog } from "@meterbook/core/ports/billing-log";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { GroupSumsReader } from "@meterbook/core/ports/group-sums";
import type { JobLog } from "@meterbook/core/ports/job-log";
import type { LoggedReport, ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { RejectedLog, Rejection, StoredRejection } from "@meterbook/core/ports/rejected-log";
import type { FleetReader, SeriesReader } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { RowThreads } from "./billing/csv/shard-rows.ts";

/**
 * What a replay of refused bytes gives under today's rules: nothing of it is lost, each reading is in one of the two.
 */
export interface Replayed {
  readonly accepted: LoggedReport | null;
  readonly rejections: readonly Rejection[];
}

/** All that the API knows of the world. It writes the registry and, in a replay, the two logs; the rest it reads. */
export interface ApiPorts {
  readonly series: SeriesReader & FleetReader;
  readonly snapshots: SnapshotView;
  /** That read the same ledger; long exports are written by the API's own thread where absent. */
  readonly rowThreads?: RowThreads;
  readonly registry: Registry;
  readonly readingsLog: Pick<ReadingsLog, "partitions" | "unread" | "ends" | "append" | "appendBarrier">;
  readonly rejectedLog: RejectedLog;
  readonly damage: DamageLog;
  readonly audit: Pick<AuditLog, "put" | "list">;
  readonly jobs: JobLog;
  readonly gaps: Pick<GapLog, "get" | "list">;
  readonly groupSums: GroupSumsReader;
  readonly billing: BillingLog;
  readonly clock: Clock;
  /** Prometheus text of everything in the process but the API itself. */
  metricsText(): Promise<string>;
  health(): Promise<{
    readonly ready: boolean;
    readonly problems: readonly string[];
    /** Besides what is damaged. */
    readonly notices?: readonly string[];
  }>;
  /** Messages that ingest has taken and neither log holds yet. */
  inFlight(): number | Promise<number>;
  replay(rejection: StoredRejection): Replayed;
}
