export const whyMessages = {
  "why.EXACT":
    "The meter itself reported {value} for {readAt}, the very end of the month: nothing had to be worked out.",
  "why.REG_PLUS_INTERVALS":
    "No reading came for the very end of the month. The last one before it was {before} at {beforeAt}; the amounts that the meter reported from there to midnight make it {value}.",
  "why.LINEAR_SHORT":
    "No reading came for the very end of the month. The register stood at {before} at {beforeAt} and at {after} at {afterAt}; a straight line between the two stands at {value} at midnight.",
  "why.FLAT_BETWEEN":
    "The register stood at {before} both at {beforeAt} and at {afterAt}, so it stood there at midnight too.",
  "why.PROFILE_SCALED":
    "No reading came for the very end of the month. The register stood at {before} at {beforeAt} and at {after} at {afterAt}; what was used between them is shared out as on like days, which makes it {value} at midnight.",
  "why.INTERVAL_SUM":
    "This channel reports amounts and no running register: the month is their sum, {present, number} of {expected, number} of them are there.",
  "why.MISSING": "There is no usable reading near the end of the month, so there is no value. It is not taken as 0.",
  "why.ADU_PRIOR_YEAR":
    "Nothing was read after {beforeAt}. From there to midnight the month is estimated by the same month of last year.",
  "why.ADU_PRIOR_PERIOD":
    "Nothing was read after {beforeAt}. From there to midnight the month is estimated by what was used each day before.",
  "why.ANNUAL_EXPECTED": "Nothing was read, so the month is estimated by what is expected of a year.",
  "why.ZERO_OUTAGE": "The meter had no supply, so nothing was used.",
  "why.VOID": "This month was taken back ({reason}): nothing is to be billed by it.",
  "why.other": "The value at {boundary}, {value}, was found by the method {method}.",
  "why.noSum": "Too few of them are there to give a sum.",
  "why.noOpening": "There is no value at the month's beginning, so that no consumption can be given.",
  "why.noConsumption": "No consumption can be given.",
  "why.difference": "The difference{multiplier, plural, =1 {} other {, times #,}} is {consumption}.",
  "opening.previous": "The month began at {opening}, the value that was issued for the month before.",
  "opening.installation": "The month began at {opening}, the register when the meter was installed.",
  "opening.first-reading": "The month began at {opening}, the first reading that the meter ever sent.",
  "opening.line": "The month began at {opening}, where the meter's own readings stood at the beginning of the month.",
  "opening.other": "The month began at {opening} ({basis}).",
  "fault.register_ran_backwards": "The register ran backwards and nothing explains it, so no consumption is given.",
  "fault.amount_out_of_range": "The amount is larger than any register can count, so no consumption is given.",
  "fault.master_data_damaged": "The meter's master data cannot be read, so no consumption is given.",
  "fault.above_ceiling":
    "The register grew by more than the connection can carry in that time, so no consumption is given.",
  "fault.point_inactive":
    "Energy was used while the supply was cut, so no consumption is given until somebody has looked.",
  "fault.readings_suspect": "The readings that it would have to be made from are suspect, so no consumption is given.",
  "method.EXACT": "reading at the very moment",
  "method.REG_PLUS_INTERVALS": "reading plus intervals",
  "method.LINEAR_SHORT": "between two readings",
  "method.FLAT_BETWEEN": "same before and after",
  "method.PROFILE_SCALED": "between two readings, as on like days",
  "method.INTERVAL_SUM": "sum of intervals",
  "method.MISSING": "no value",
  "method.ADU_PRIOR_YEAR": "estimated by last year",
  "method.ADU_PRIOR_PERIOD": "estimated by the months before",
  "method.ANNUAL_EXPECTED": "estimated by a year's use",
  "method.ZERO_OUTAGE": "no supply, nothing used",
  "method.VOID": "taken back",
  "origin.remote": "the meter itself",
  "origin.customer": "the customer",
  "origin.inspector": "an inspector",
  "origin.operator": "an operator",
  "origin.estimator": "an estimate",
  "origin.import": "an import",
} as const;
