FROM debian:bookworm-slim
COPY influxd /usr/bin/influxd
CMD ["influxd", "run"]
