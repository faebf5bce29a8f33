#!/bin/bash
# The health check of compose.yaml. The jars of a broker have no tools: whether something listens must do.
server=${2:?--bootstrap-server host:port}
exec 3<>"/dev/tcp/${server%:*}/${server##*:}"
