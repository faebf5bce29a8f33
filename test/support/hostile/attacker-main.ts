import { type AttackName, attacks } from "./hostile-attacks.ts";
import type { Done } from "./hostile-flood.ts";

/**
 * `node attacker-main.ts <mqtt port> <http port> <core share> <attack>...`: attacks until it is killed, holds itself to
 * its share of a core, and says what it has done, as JSON, twice a second.
 */
const [mqttPort, httpPort, share, ...names] = process.argv.slice(2);
const done: Done = { sent: 0, bytes: 0, connections: 0 };
const target = { mqttPort: Number(mqttPort), httpPort: Number(httpPort) };

const lookEveryMs = 5;
const stands = new Int32Array(new SharedArrayBuffer(4));
const beganMs = performance.now();
const beforeUse = process.cpuUsage();
let paidToMs = beganMs;

/** After each few milliseconds of work the whole process stands still for as long as that costs at its share. */
function pay(): void {
  const { user, system } = process.cpuUsage(beforeUse);
  const owedToMs = beganMs + (user + system) / 1000 / Number(share);
  // What was not used is not saved up.
  paidToMs = Math.max(owedToMs, paidToMs);
  const nowMs = performance.now();
  if (paidToMs > nowMs) Atomics.wait(stands, 0, 0, paidToMs - nowMs);
}
setInterval(pay, lookEveryMs);
setImmediate(function turn() {
  pay();
  setTimeout(() => setImmediate(turn), 1);
});

setInterval(() => {
  const { user, system } = process.cpuUsage(beforeUse);
  const seconds = (performance.now() - beganMs) / 1000;
  console.log(JSON.stringify({ ...done, seconds, coreShare: (user + system) / 1e6 / seconds }));
}, 500);

for (const name of names) attacks[name as AttackName](target, done);
