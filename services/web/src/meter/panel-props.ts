import type { Meter } from "../curves/load-curves.ts";
import type { MeterView } from "../curves/view-state.ts";

/** What is seen of a meter, and how another view is asked for: by another address. */
export interface CurvePanelProps {
  readonly meter: Meter;
  readonly view: MeterView;
  readonly show: (change: Partial<MeterView>) => void;
}
