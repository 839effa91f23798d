# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the scripts read some, and set others
# What tests of the gateway share. $PROGRAM is the gateway; what is started is
# ended, and $work is gone, when the script ends.
export PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
pids=()

clean_up() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
# shellcheck source=tests/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tap.sh"

has() {
  command -v "$1" >/dev/null
}

# A port that nobody has now, and no connection gets by itself.
free_port() {
  python3 -c 'import random, socket
while True:
    port = random.randrange(10000, 32000)
    try:
        socket.socket().bind(("127.0.0.1", port))
        break
    except OSError:
        pass
print(port)'
}

# wait_for PORT: until somebody listens there.
wait_for() {
  local i
  for ((i = 0; i < 200; i++)); do
    if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
    sleep 0.05
  done
  echo "nobody listens at $1"
  return 1
}

start_nginx() {
  nginx_port=$(free_port)
  mkdir -p "$work/www" "$work/up" "$work/tmp"
  cat >"$work/nginx.conf" <<EOF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 1000; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path $work/tmp;
  fastcgi_temp_path $work/tmp;
  proxy_temp_path $work/tmp;
  scgi_temp_path $work/tmp;
  uwsgi_temp_path $work/tmp;
  server {
    listen 127.0.0.1:$nginx_port;
    root $work/www;
    location /up { dav_methods PUT DELETE; root $work; }
    location /host { return 200 "\$http_host \$request_uri\n"; }
    location /fields { return 200 "\$http_x_forwarded_for|\$http_via|\$http_connection|\$http_te|\$http_x_hop"; }
  }
}
EOF
  nginx -c "$work/nginx.conf" 2>/dev/null &
  pids+=($!)
  wait_for "$nginx_port"
}

# start_gateway UPSTREAM OPTION...: at $port.
start_gateway() {
  local upstream=$1 i
  shift
  : >"$work/gateway.log"
  "$PROGRAM" --listen 127.0.0.1:0 --upstream "$upstream" "$@" \
    >"$work/gateway.log" 2>&1 &
  gateway=$!
  pids+=("$gateway")
  for ((i = 0; i < 400; i++)); do
    port=$(sed -n 's/^listening on .*://p' "$work/gateway.log")
    [ -z "$port" ] || return 0
    sleep 0.05
  done
  cat "$work/gateway.log"
}

stop_gateway() {
  kill -TERM "$gateway"
  wait "$gateway"
}

curl_() {
  curl -sS --max-time 30 "$@"
}

# Of all its life.
peak_kb() {
  sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$gateway/status"
}
