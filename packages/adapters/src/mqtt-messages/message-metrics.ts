import type { Registry } from "prom-client";
import { Counter, Histogram } from "prom-client";
import type { MessageEvents } from "./message-events.ts";

/** What happens to messages as metrics, whether meters are connected to us or to a broker. */
export function messageMetrics(registers: Registry[], owner: Pick<MessageEvents, "packetTooLarge">): MessageEvents {
  const failed = new Counter({
    name: "meterbook_mqtt_messages_failed_total",
    help: "Messages that could not be kept and were not acknowledged, by the error's code.",
    labelNames: ["code"],
    registers,
  });
  const paused = new Counter({
    name: "meterbook_mqtt_pauses_total",
    help: "Times that a connection (messages_max) or all of them (bytes_max) were not read from until messages were taken.",
    labelNames: ["reason"],
    registers,
  });
  const tooLarge = new Counter({
    name: "meterbook_mqtt_packets_too_large_total",
    help: "Messages longer than allowed, cut off.",
    registers,
  });
  return {
    ...takenMetrics(registers),
    messageFailed: ({ code }) => failed.inc({ code }),
    readingPaused: ({ reason }) => paused.inc({ reason }),
    packetTooLarge(facts) {
      tooLarge.inc();
      return owner.packetTooLarge(facts);
    },
  };
}

/** Plain sums until somebody asks: a labelled counter takes as long as all else that is done for a message. */
function takenMetrics(registers: Registry[]): Pick<MessageEvents, "messagesTaken"> {
  const sums = { qos0: 0, qos1: 0, qos2: 0, bytes: 0 };
  new Counter({
    name: "meterbook_mqtt_messages_total",
    help: "Messages taken and, above QoS 0, acknowledged.",
    labelNames: ["qos"],
    registers,
    collect() {
      this.reset();
      this.inc({ qos: "0" }, sums.qos0);
      this.inc({ qos: "1" }, sums.qos1);
      this.inc({ qos: "2" }, sums.qos2);
    },
  });
  new Counter({
    name: "meterbook_mqtt_payload_bytes_total",
    help: "Payload of the messages taken.",
    registers,
    collect() {
      this.reset();
      this.inc(sums.bytes);
    },
  });
  const ackSeconds = new Histogram({
    name: "meterbook_mqtt_ack_seconds",
    help: "From a message's arrival to its acknowledgement: the longest of those that one write acknowledges.",
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  return {
    messagesTaken({ counts, bytes, waitedMs }) {
      sums.qos0 += counts.qos0;
      sums.qos1 += counts.qos1;
      sums.qos2 += counts.qos2;
      sums.bytes += bytes;
      ackSeconds.observe(waitedMs / 1000);
    },
  };
}
