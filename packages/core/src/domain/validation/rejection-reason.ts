/**
 * Why a message, or one reading of it, was refused. A closed list, because the codes are metric labels and because
 * senders act on them; docs/validation.md explains each.
 */
export const rejectionReasons = [
  "topic_unknown",
  "meter_id_invalid",
  "meter_id_mismatch",
  "identity_mismatch",
  "packet_too_large",
  "report_malformed",
  "report_too_complex",
  "empty_report",
  "too_many_readings",
  "too_many_registers",
  "too_many_refused",
  "reading_malformed",
  "register_invalid",
  "unit_unknown",
  "unit_mismatch",
  "kind_unknown",
  "quality_unknown",
  "revision_invalid",
  "step_invalid",
  "step_on_register",
  "exponent_invalid",
  "value_invalid",
  "value_negative",
  "value_too_precise",
  "value_out_of_range",
  "value_too_large",
  "at_invalid",
  "at_without_offset",
  "at_too_old",
  "at_in_future",
  "at_off_grid",
  "meter_unknown",
  "too_many_channels",
  "too_many_meters",
  "store_refused",
] as const;

export type RejectionReason = (typeof rejectionReasons)[number];

/** What is wrong, and where: `detail` begins with the field, such as `readings[3].value`. */
export interface Fault {
  readonly reason: RejectionReason;
  readonly detail: string;
}
