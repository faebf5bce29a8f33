FROM debian:bookworm-slim
RUN apt-get update && mkdir -p /usr/share/man/man1 \
  && apt-get install -y --no-install-recommends openjdk-17-jre-headless && rm -rf /var/lib/apt/lists/*
COPY . /opt/kafka/libs
CMD ["java", "-version"]
