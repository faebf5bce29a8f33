import { connect, type Socket } from "node:net";
import { raw } from "./raw-mqtt.ts";

/** What an attack has done so far. */
export interface Done {
  /** Messages, requests, or connections that do not end. */
  sent: number;
  bytes: number;
  connections: number;
}

export interface FloodTarget {
  readonly mqttPort: number;
  readonly httpPort: number;
}

/** The topic and payload of the next message of a connection. */
export type NextMessage = () => { readonly topic: string; readonly payload: Buffer };

export interface FloodOptions {
  readonly connections: number;
  readonly name: string;
  readonly next: NextMessage;
}

const againAfterMs = 20;
/** Then others of this process have their turn. */
const bytesPerTurnMax = 512 * 1024;

/** Messages over some connections, with no regard to acknowledgements. */
export function flood({ mqttPort }: FloodTarget, done: Done, { connections, name, next }: FloodOptions): void {
  for (let number = 0; number < connections; number += 1) {
    let times = 0;
    const begin = () => {
      // Every other one is another client each time.
      const clientId = number % 2 === 0 ? `${name}-${number}` : `${name}-${number}-${times}`;
      times += 1;
      done.connections += 1;
      const socket = opened(mqttPort, () => setTimeout(begin, againAfterMs));
      socket.write(raw.connect({ clientId }));
      socket.once("data", () => sendOn(socket, next, done));
    };
    begin();
  }
}

/** A socket that throws away what comes. */
export function opened(port: number, closed: () => void): Socket {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.on("error", () => undefined);
  socket.on("data", () => undefined);
  socket.once("close", closed);
  return socket;
}

function sendOn(socket: Socket, next: NextMessage, done: Done): void {
  let id = 0;
  const go = () => {
    if (socket.destroyed) return;
    let flows = true;
    for (let bytes = 0; flows && bytes < bytesPerTurnMax; ) {
      const { topic, payload } = next();
      id = (id % 65_535) + 1;
      const packet = raw.publish(topic, payload, { id });
      flows = socket.write(packet);
      bytes += packet.length;
      done.sent += 1;
      done.bytes += packet.length;
    }
    if (flows) setImmediate(go);
    else socket.once("drain", go);
  };
  go();
}
