import { expect, test } from "vitest";
import { influxServers } from "./influx-servers.ts";

test.each([
  ["http://a:8086", [["http://a:8086", 0, 255]]],
  ["http://a:8086/", [["http://a:8086", 0, 255]]],
  ["http://a:8086=00-ff", [["http://a:8086", 0, 255]]],
  [
    "http://a:8086=00-7f, https://b/influx=80-FF",
    [
      ["http://a:8086", 0, 127],
      ["https://b/influx", 128, 255],
    ],
  ],
])("%s", (text, expected) => {
  const { servers, problems } = influxServers(text);
  expect(problems).toEqual([]);
  expect(servers.map(({ url, first, last }) => [url, first, last])).toEqual(expected);
});

test.each([
  ["influxdb:8086", ["influxdb:8086 is no URL"]],
  ["http://a,http://b=80-ff", ["http://a has no range such as 00-7f"]],
  [
    "ftp://a=00-7f,http://u:secret@b=ff-80",
    ["ftp://a=00-7f is no URL", "http://***@b=ff-80 has no range such as 00-7f"],
  ],
  ["http://a=00-7f,http://b=90-ff", ["slots 80-8f on no server"]],
  [
    "http://a=01-80,http://b=80-fe",
    ["slots 00-00 on no server", "slots ff-ff on no server", "slots 80-80 on more than one server"],
  ],
])("%s is refused with all that is wrong", (text, expected) => {
  expect(influxServers(text).problems).toEqual(expected);
});
