import { type WalkedAggregator, walkedAggregator } from "./walked-aggregator.ts";
import { type DoneCloses, type WalkedApi, walkedApi } from "./walked-api.ts";
import type { SharedWorld } from "./walked-world.ts";

/** The processes of a walk: aggregators and who has which partition, and APIs. */
export interface WalkedCrew {
  readonly aggregators: readonly WalkedAggregator[];
  readonly apis: readonly WalkedApi[];
  /** Processes whose calls are not answered for now. */
  readonly paused: Set<string>;
  /** How many were started. */
  readonly names: number;
  /** What was issued when closes were said to be done. */
  readonly done: DoneCloses;
  startAggregator(): Promise<WalkedAggregator>;
  startApi(): WalkedApi;
  /** @param isTold whether the owner before hears of it */
  give(partition: number, to: WalkedAggregator, isTold: boolean): void;
  /** Its partitions go to others. */
  kill(one: WalkedAggregator): Promise<void>;
  killApi(one: WalkedApi): void;
  /** All aggregators end, something is done, and a new one has all partitions. */
  killAll(meanwhile?: () => void): Promise<void>;
  /** Owners that were not told hear of it now. */
  tellAll(): void;
}

export function walkedCrew(world: SharedWorld, random: () => number): WalkedCrew {
  const pick = <Thing>(things: readonly Thing[]) => things[Math.floor(random() * things.length)] as Thing;
  const aggregators: WalkedAggregator[] = [];
  const apis: WalkedApi[] = [];
  const owners = new Map<number, WalkedAggregator>();
  const done: DoneCloses = { seen: new Map(), wrong: undefined };
  let ownerNo = 0;
  let names = 0;

  const crew: WalkedCrew = {
    aggregators,
    apis,
    paused: new Set(),
    get names() {
      return names;
    },
    done,
    async startAggregator() {
      names += 1;
      const one = await walkedAggregator(world, `a${names}`, random);
      aggregators.push(one);
      return one;
    },
    startApi() {
      names += 1;
      const one = walkedApi(world, `api${names}`, done);
      apis.push(one);
      return one;
    },
    give(partition, to, isTold) {
      const before = owners.get(partition);
      if (isTold && before !== undefined && before !== to) before.revoke(partition);
      owners.set(partition, to);
      ownerNo += 1;
      to.assign(partition, ownerNo);
    },
    async kill(one) {
      one.kill();
      aggregators.splice(aggregators.indexOf(one), 1);
      if (aggregators.length === 0) await crew.startAggregator();
      for (const [partition, owner] of owners) if (owner === one) crew.give(partition, pick(aggregators), false);
    },
    killApi(one) {
      one.kill();
      apis.splice(apis.indexOf(one), 1);
      if (apis.length === 0) crew.startApi();
    },
    async killAll(meanwhile = () => undefined) {
      for (const one of aggregators) one.kill();
      aggregators.splice(0);
      meanwhile();
      const next = await crew.startAggregator();
      for (let partition = 0; partition < world.log.partitions; partition += 1) crew.give(partition, next, false);
    },
    tellAll() {
      for (const one of aggregators) for (const [partition, owner] of owners) if (owner !== one) one.revoke(partition);
    },
  };
  return crew;
}
