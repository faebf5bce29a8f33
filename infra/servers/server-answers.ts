import { connect } from "node:net";
import { calmRequestQueue } from "@meterbook/adapters/kafka/client/calm-request-queue";
import { Kafka, logLevel } from "kafkajs";

/** Whether a broker answers. An open port is not enough: a broker listens before it knows of itself and the others. */
export async function kafkaAnswers(broker: string, brokers: number): Promise<boolean> {
  calmRequestQueue();
  const client = new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length >= brokers;
  } finally {
    await admin.disconnect();
  }
}

export async function influxAnswers(url: string): Promise<boolean> {
  return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) })).ok;
}

/** Whether something on this machine takes connections at the port; rejects when nothing does. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
