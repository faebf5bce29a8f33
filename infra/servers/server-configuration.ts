/** The configuration files of the servers that we start, for development and tests on one machine. */

export interface KafkaNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly dataDir: string;
}

/** Arguments of `java` before the class, with `libs` the folder of Kafka's jars. */
export function kafkaJvm(libs: string): string[] {
  return ["-cp", `${libs}/*`, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Xms256m", "-Xmx512m"];
}

/** `server.properties` of one of `nodes`; each is broker and controller. They are reached by loopback only. */
export function kafkaProperties(node: KafkaNode, nodes: readonly KafkaNode[], listen = "127.0.0.1"): string {
  const replicas = Math.min(3, nodes.length);
  return `process.roles=broker,controller
node.id=${node.id}
controller.quorum.voters=${nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(",")}
listeners=PLAINTEXT://${listen}:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${node.port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${node.dataDir}
auto.create.topics.enable=false
offsets.topic.replication.factor=${replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=${Math.max(1, replicas - 1)}
transaction.state.log.num.partitions=4
min.insync.replicas=${Math.max(1, replicas - 1)}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
message.max.bytes=20971520
replica.fetch.max.bytes=20971520
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
`;
}

/**
 * Mosquitto as safe as it can be made. It still acknowledges from memory: a kill loses what came since the last save,
 * and each save writes all that waits. Its defaults lose more: a save every half hour, and everything beyond 1 000
 * waiting messages is dropped after its PUBACK.
 */
export function mosquittoConfiguration(options: { listener: string; dataDir: string; user: string }): string {
  const { listener, dataDir, user } = options;
  return `listener ${listener}
allow_anonymous true
user ${user}
set_tcp_nodelay true
max_inflight_messages 65535
max_queued_messages 0
message_size_limit 0
persistence true
persistence_location ${dataDir}/
autosave_interval 1
log_type error
log_type warning
log_type notice
`;
}
