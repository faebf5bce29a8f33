import { Worker } from "node:worker_threads";

/** Bytes of the input in hand that are told. */
const toldBytesMax = 4096;
const nameBytesMax = 256;

/**
 * Ends this process, and says what it was doing, if nothing has moved for `msMax`: a decoder that never ends would
 * otherwise hold up whoever runs the tests. Another thread watches, because this one cannot while it is busy.
 */
export function watchdog(msMax: number) {
  const shared = new SharedArrayBuffer(16 + nameBytesMax + toldBytesMax);
  const steps = new Int32Array(shared, 0, 1);
  const lengths = new Int32Array(shared, 4, 2);
  const text = new Uint8Array(shared, 16);
  const look = `
    const { workerData: { shared, msMax, pid } } = require("node:worker_threads");
    const steps = new Int32Array(shared, 0, 1), lengths = new Int32Array(shared, 4, 2), text = new Uint8Array(shared, 16);
    let seen = -1;
    setInterval(() => {
      const now = Atomics.load(steps, 0);
      if (now !== seen || now % 2 === 0) { seen = now; return; }
      const name = Buffer.from(text.slice(0, lengths[0])).toString();
      const bytes = Buffer.from(text.slice(${nameBytesMax}, ${nameBytesMax} + lengths[1])).toString("base64");
      require("node:fs").writeSync(2, "fuzz: " + name + " does not end on (base64) " + bytes + "\\n");
      process.kill(pid, "SIGKILL");
    }, msMax);`;
  const worker = new Worker(look, { eval: true, workerData: { shared, msMax, pid: process.pid } });
  worker.unref();
  return {
    /** The step counts as under way until `end`: an odd number of steps. */
    begin(name: string, bytes: Uint8Array): void {
      const called = Buffer.from(name).subarray(0, nameBytesMax);
      const told = bytes.subarray(0, toldBytesMax);
      text.set(called);
      text.set(told, nameBytesMax);
      lengths.set([called.length, told.length]);
      Atomics.add(steps, 0, 1);
    },
    end: () => void Atomics.add(steps, 0, 1),
    close: () => worker.terminate(),
  };
}
