import { registerHooks } from "node:module";
import { faults } from "./faults.ts";

/** Loaded before a program, it changes the text of one file as that is loaded: the fault is named in WALK_FAULT. */
const name = process.env["WALK_FAULT"];
const fault = faults.find((one) => one.name === name);
if (fault === undefined) throw new Error(`there is no fault ${name}`);
const { file, find, replace } = fault;
const url = new URL(`../../${file}`, import.meta.url).href;

registerHooks({
  load(asked, context, next) {
    const loaded = next(asked, context);
    if (asked !== url) return loaded;
    const parts = String(loaded.source).split(find);
    if (parts.length !== 2) throw new Error(`${file} holds what is to be changed ${parts.length - 1} times: ${find}`);
    console.log(`with a fault: ${name}`);
    return { ...loaded, source: parts.join(replace) };
  },
});
