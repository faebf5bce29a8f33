FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends mosquitto && rm -rf /var/lib/apt/lists/*
CMD ["mosquitto", "-c", "/etc/mosquitto/mosquitto.conf"]
