/** The configuration files of the servers that we start, for development and tests on one machine. */

export interface KafkaNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly dataDir: string;
}

/** `server.properties` of one of `nodes`; each is broker and controller. Nothing listens but on loopback. */
export function kafkaProperties(node: KafkaNode, nodes: readonly KafkaNode[]): string {
  const replicas = Math.min(3, nodes.length);
  return `process.roles=broker,controller
node.id=${node.id}
controller.quorum.voters=${nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(",")}
listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}
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
group.initial.rebalance.delay.ms=0
message.max.bytes=20971520
replica.fetch.max.bytes=20971520
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
`;
}

/** Mosquitto as safe as it can be: it still acknowledges from memory, and a kill loses what came since the last save. */
export function mosquittoConfiguration({
  port,
  dataDir,
  user,
}: {
  port: number;
  dataDir: string;
  user: string;
}): string {
  return `listener ${port} 127.0.0.1
allow_anonymous true
user ${user}
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
message_size_limit 0
persistence true
persistence_location ${dataDir}/
autosave_interval 10
log_type error
log_type warning
log_type notice
`;
}
