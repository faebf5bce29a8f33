import type { SettingProblem } from "./setting-problem.ts";
import { type SettingName, settingNames } from "./setting-schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that is given, and the others without which it would mean nothing. */
interface Need {
  readonly given: SettingName;
  readonly needs: readonly SettingName[];
}

const needs: readonly Need[] = [
  ...together(["METERBOOK_INFLUX_URL", "METERBOOK_INFLUX_TOKEN", "METERBOOK_INFLUX_ORG", "METERBOOK_INFLUX_BUCKET"]),
  ...together(["METERBOOK_KAFKA_SASL", "METERBOOK_KAFKA_USERNAME", "METERBOOK_KAFKA_PASSWORD"]),
  ...together(["METERBOOK_KAFKA_TLS_CERT_FILE", "METERBOOK_KAFKA_TLS_KEY_FILE"]),
  ...together(["METERBOOK_MQTT_USERNAME", "METERBOOK_MQTT_PASSWORD"]),
  ...together(["METERBOOK_MQTT_TLS_CERT_FILE", "METERBOOK_MQTT_TLS_KEY_FILE"]),
  { given: "METERBOOK_MQTT_TLS_CRL_FILE", needs: ["METERBOOK_MQTT_TLS_CA_FILE"] },
  { given: "METERBOOK_MQTT_USERNAME", needs: ["METERBOOK_MQTT_URL"] },
];

function together(names: readonly SettingName[]): Need[] {
  return names.map((given) => ({ given, needs: names.filter((name) => name !== given) }));
}

/** Settings that say something only beside others, and would be left unheard without them. */
export function settingsThatNeedOthers(environment: Environment): SettingProblem[] {
  const missing = needs
    .filter(({ given }) => environment[given] !== undefined)
    .flatMap(({ given, needs: names }) => names.map((name) => ({ name, because: given })))
    .filter(({ name }) => environment[name] === undefined)
    .map(({ name, because }) => ({ name, value: undefined, expected: `a value, because ${because} is set` }));
  return [...missing, ...tlsThatIsOff(environment), ...endpointTlsWithoutCertificate(environment)];
}

function tlsThatIsOff(environment: Environment): SettingProblem[] {
  const file = settingNames.find((name) => name.startsWith("METERBOOK_KAFKA_TLS_") && environment[name] !== undefined);
  if (file === undefined || environment["METERBOOK_KAFKA_TLS"] === "on") return [];
  return [
    { name: "METERBOOK_KAFKA_TLS", value: environment["METERBOOK_KAFKA_TLS"], expected: `on, because ${file} is set` },
  ];
}

/** To an external broker an authority alone is enough: it is how we know the broker. */
function endpointTlsWithoutCertificate(environment: Environment): SettingProblem[] {
  const { METERBOOK_MQTT_URL: url, METERBOOK_MQTT_TLS_CA_FILE: authority } = environment;
  if (url !== undefined || authority === undefined) return [];
  const expected = "a value, because METERBOOK_MQTT_TLS_CA_FILE is set (our endpoint needs a certificate of its own)";
  return (["METERBOOK_MQTT_TLS_CERT_FILE", "METERBOOK_MQTT_TLS_KEY_FILE"] as const)
    .filter((name) => environment[name] === undefined)
    .map((name) => ({ name, value: undefined, expected }));
}
