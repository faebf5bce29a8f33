import mqtt from "mqtt";

/** One message of a meter. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: string | Buffer;
}

/** How many messages a publisher has on the way at once; those of one meter stay in order. */
const windowMax = 200;

/**
 * Publishes QoS 1 until every message is acknowledged, in order, and again what was not acknowledged when the server
 * died: what a meter does. `urlOf` is asked at each attempt, because a restarted server may listen elsewhere.
 */
export async function publishAll(
  urlOf: () => string,
  messages: readonly Outgoing[],
  acknowledged?: (count: number) => void,
): Promise<void> {
  let done = 0;
  const deadline = Date.now() + 240_000;
  while (done < messages.length) {
    if (Date.now() > deadline) throw new Error(`only ${done} of ${messages.length} messages were acknowledged`);
    done = await attempt(urlOf(), messages, done, acknowledged);
  }
}

/** Publishes from `from` on over one connection; answers how far every message was acknowledged. */
async function attempt(
  url: string,
  messages: readonly Outgoing[],
  from: number,
  acknowledged?: (count: number) => void,
): Promise<number> {
  const client = mqtt.connect(url, {
    reconnectPeriod: 0,
    connectTimeout: 2000,
    clientId: `publisher-${process.pid}-${Math.random()}`,
  });
  const acks = new Array<boolean>(messages.length);
  let done = from;
  let next = from;
  return new Promise((resolve) => {
    const finish = () => client.end(true, {}, () => setTimeout(() => resolve(done), done < messages.length ? 100 : 0));
    const sendOn = () => {
      while (next < messages.length && next - done < windowMax) {
        const index = next++;
        const { topic, payload } = messages[index] as Outgoing;
        client.publish(topic, payload, { qos: 1 }, (error) => {
          if (error) return;
          acks[index] = true;
          while (acks[done] === true) done += 1;
          acknowledged?.(done);
          if (done === messages.length) finish();
          else sendOn();
        });
      }
    };
    client.on("connect", sendOn);
    client.on("error", () => undefined);
    client.once("close", finish);
  });
}
