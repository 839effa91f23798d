# shellcheck shell=bash
# shellcheck disable=SC2154 # the driver sets them
# The server of bench/run.sh: nginx with one worker, on a core of its own. To
# be sourced; $work, $files and $endpoints are there, $port and $server are
# set.

large_bytes=65536 post_bytes=1024 chunk_bytes=1024 chunks=4

listen_lines() {
  local i
  for ((i = 0; i < endpoints; i++)); do
    echo "    listen 127.0.$((i / 250)).$((i % 250 + 1)):$port backlog=4096;"
  done
}

header_lines() {
  local i
  for ((i = 1; i <= 20; i++)); do
    echo "      add_header X-Header-$i \"a value that is $i of twenty\";"
  done
}

text_of() { # bytes
  head -c "$1" /dev/zero | tr '\0' x
}

write_files() {
  mkdir -p "$work/files"
  text_of $large_bytes >"$work/files/large"
  text_of $((chunk_bytes * chunks)) >"$work/files/chunked"
}

# SSI makes an answer of unknown length: it is read, and sent, in pieces.
write_config() {
  cat >"$work/nginx.conf" <<CONFIG
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/error.log warn;
worker_rlimit_nofile $files;
events { worker_connections $((files - 100)); multi_accept on; }
http {
  access_log off;
  default_type text/plain;
  open_file_cache max=10;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path $work/t1;
  proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4;
  scgi_temp_path $work/t5;
  server {
$(listen_lines)
    root $work/files;
    location / { return 200 "hello world\n"; }
    location /kibibyte { return 200 "$(text_of $post_bytes)"; }
    location /large { }
    location /chunked {
      ssi on;
      ssi_types *;
      sendfile off;
      output_buffers 1 $chunk_bytes;
      postpone_output 0;
    }
    location /headers {
$(header_lines)
      return 200 "hello world\n";
    }
  }
}
CONFIG
}

# One that listens; where the port was taken meanwhile, nginx exits and the
# next one is tried.
start_server() {
  local tries wait
  write_files
  for ((tries = 0; tries < 8; tries++)); do
    port=$(random_port)
    ports_free "$port" || continue
    write_config
    PATH=$PATH:/usr/sbin "${pin_server[@]}" nginx -p "$work" \
      -c "$work/nginx.conf" 2>>"$work/error.log" &
    server=$!
    for ((wait = 0; wait < 100; wait++)); do
      kill -0 "$server" 2>/dev/null || break
      if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then return; fi
      sleep 0.05
    done
  done
  cat "$work/error.log" >&2
  exit 1
}

stop_server() {
  [ -n "${server:-}" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
