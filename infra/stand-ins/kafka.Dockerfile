FROM debian:bookworm-slim
RUN apt-get update && mkdir -p /usr/share/man/man1 \
  && apt-get install -y --no-install-recommends openjdk-17-jre-headless && rm -rf /var/lib/apt/lists/*
COPY kafka-broker-api-versions.sh kafka-run /opt/kafka/bin/
COPY libs /opt/kafka/libs
CMD ["/opt/kafka/bin/kafka-run"]
