import { aggregatorInvariants } from "./aggregator.invariants.ts";

aggregatorInvariants({ newSeries: async () => undefined, share: 1 });
