FROM debian:bookworm-slim
COPY influxd influx influxdb-run /usr/bin/
EXPOSE 8086
CMD ["influxdb-run"]
