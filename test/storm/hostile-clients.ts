import { connect } from "node:net";
import { raw, rawClient } from "../support/hostile/raw-mqtt.ts";

interface Addresses {
  readonly mqttUrl: string;
  readonly httpUrl: string;
}

type Attack = (at: Addresses, random: () => number) => Promise<void>;

const clientsMax = 20;

/**
 * What nobody should send. No message of it is whole, because the counts of the fleet must still be exact. Then they
 * hang up.
 */
const attacks: readonly Attack[] = [noise, halfPackets, manyConnections, pings, slowHeaders, deepBody, unreadExports];

export async function strikeHostile(at: Addresses, random: () => number): Promise<string> {
  const attack = attacks[Math.floor(random() * attacks.length)] as Attack;
  await attack(at, random);
  return attack.name;
}

/** Some clients on MQTT, each with what it sends; they hang up a moment later. */
async function speak({ mqttUrl }: Addresses, sends: (client: number) => readonly Buffer[]): Promise<void> {
  const { host } = new URL(mqttUrl);
  const clients = await Promise.all(Array.from({ length: clientsMax }, () => rawClient(host)));
  for (const [index, client] of clients.entries()) client.send(...sends(index));
  await pause(300);
  for (const { socket } of clients) socket.destroy();
}

function noise(at: Addresses, random: () => number): Promise<void> {
  const bytes = () => Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)));
  return speak(at, (n) => (n % 2 === 0 ? [raw.connect({ clientId: `hostile-${n}` }), bytes()] : [bytes()]));
}

function halfPackets(at: Addresses): Promise<void> {
  const half = raw.publish("meters/hostile/readings/json", Buffer.alloc(200_000, 0x5b)).subarray(0, 50_000);
  return speak(at, (n) => [raw.connect({ clientId: `hostile-${n}` }), half]);
}

async function manyConnections({ mqttUrl }: Addresses): Promise<void> {
  const { host } = new URL(mqttUrl);
  for (let round = 0; round < 10; round += 1) {
    const clients = await Promise.all(Array.from({ length: clientsMax }, () => rawClient(host)));
    for (const { socket } of clients) socket.resetAndDestroy();
  }
}

function pings(at: Addresses): Promise<void> {
  const many = Buffer.concat(Array.from({ length: 5000 }, () => raw.ping()));
  return speak(at, (n) => [raw.connect({ clientId: `hostile-${n}` }), many]);
}

async function slowHeaders({ httpUrl }: Addresses): Promise<void> {
  const sockets = Array.from({ length: clientsMax }, () => {
    const socket = connect(Number(new URL(httpUrl).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("GET /v1/status HTTP/1.1\r\nhost: x\r\nx-");
    return socket;
  });
  await pause(500);
  for (const socket of sockets) socket.destroy();
}

async function deepBody({ httpUrl }: Addresses): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = "[".repeat(100_000);
  const answer = await fetch(`${httpUrl}/v1/meters/hostile`, { method: "PUT", headers, body });
  await answer.text();
  if (answer.ok) throw new Error(`PUT of a deep body: ${answer.status}`);
}

async function unreadExports({ httpUrl }: Addresses): Promise<void> {
  const gone = new AbortController();
  const headers = { accept: "application/x-ndjson" };
  const calls = Array.from({ length: clientsMax }, () =>
    fetch(`${httpUrl}/v1/snapshots/changes`, { headers, signal: gone.signal }).catch(() => undefined),
  );
  await pause(500);
  gone.abort();
  await Promise.all(calls);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
