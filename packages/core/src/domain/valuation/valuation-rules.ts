/** The thresholds of the rules (domain rules, sections 1 and 4), each with its default. All lengths in seconds. */
export interface ValuationRules {
  /** A reading this close to the boundary is the boundary's. */
  readonly snapSeconds: number;
  /** `LINEAR_SHORT`: a line over at most this gap. */
  readonly linearGapSecondsMax: number;
  /** `REG_PLUS_INTERVALS`: how far back the register may lie that intervals are added to. */
  readonly lookBackSecondsMax: number;
  /** And how far behind the boundary a register may lie to which they are scaled. */
  readonly scaleSecondsMax: number;
  /** Where nothing is read on its other side, what lies further away from a month than this says nothing of it. */
  readonly reachSecondsMax: number;
  /** So far apart two readings may lie between which the use is known; what is older is too old (V09). */
  readonly betweenSecondsMax: number;
  /** V14 and V17: what a connection of unknown power can carry, in W; undefined where nobody says. */
  readonly connectionW?: number;
  /** V14 and V17: what a connection can carry, in percent of its power. */
  readonly ceilingPercent: number;
  /** V14: without a connection power a register wraps from above this part of its range only, in percent. */
  readonly wrapsFromPercent: number;
  /** V17 and V20: what one step of a register may hide, in base units. */
  readonly registerStep: number;
  /**
   * V13 and V17: so many readings in a row are a glitch where those on both sides agree; more are an unexplained step.
   */
  readonly glitchReadingsMax: number;
  /** V13: two explanations that leave out as many readings differ where one is so many times smoother. */
  readonly smootherTimesMin: number;
  /** V20: how far a sum of intervals may be from the register, in thousandths of it. */
  readonly sumDifferencePerMille: number;
  /** V18: how far the greatest interval of a day is above the third greatest, in percent of that one. */
  readonly spikePercentMin: number;
  /** V18: of a day whose third greatest interval is below this nothing is said, in W. */
  readonly spikeFloorW: number;
  /** V19: a month's use of a day, in percent of that of the month before. */
  readonly lowUsePercent: number;
  readonly highUsePercent: number;
  /** V19: months that are no further apart than this say nothing, in base units. */
  readonly useDifferenceMin: number;
  /** V23: no use for so long. */
  readonly zeroUseSecondsMin: number;
  /** Average daily use: a month of which less is known says nothing of others. */
  readonly historySecondsMin: number;
  /** And so much of a month says something of the rest of it. */
  readonly knownDaySecondsMin: number;
  /** How many months back the newest may lie that says what is used lately. */
  readonly recentMonthsMax: number;
  /** How many times more, or less, than a year ago is believed. */
  readonly growthTimesMax: number;
}

export const valuationRules: ValuationRules = {
  snapSeconds: 60,
  linearGapSecondsMax: 2 * 3600,
  lookBackSecondsMax: 35 * 86_400,
  scaleSecondsMax: 5 * 86_400,
  reachSecondsMax: 184 * 86_400,
  betweenSecondsMax: 1096 * 86_400,
  ceilingPercent: 110,
  wrapsFromPercent: 90,
  registerStep: 1000,
  glitchReadingsMax: 3,
  smootherTimesMin: 3,
  sumDifferencePerMille: 1,
  spikePercentMin: 180,
  spikeFloorW: 2000,
  lowUsePercent: 30,
  highUsePercent: 300,
  useDifferenceMin: 10_000,
  zeroUseSecondsMin: 7 * 86_400,
  historySecondsMin: 7 * 86_400,
  knownDaySecondsMin: 86_400,
  recentMonthsMax: 3,
  growthTimesMax: 3,
};
