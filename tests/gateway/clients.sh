#!/usr/bin/env bash
# The gateway between real clients and real servers, as TAP. $PROGRAM is the
# gateway. What is not installed is skipped.
set -u
# shellcheck source=tests/gateway/lib.sh
. "$(dirname "$0")/lib.sh"

# --- curl --------------------------------------------------------------------

download() {
  curl_ "http://127.0.0.1:$port/big" | cmp - "$work/www/big"
}

ranges() {
  curl_ -r 1000-1999 "http://127.0.0.1:$port/big" |
    cmp - <(head -c 2000 "$work/www/big" | tail -c 1000)
}

head_only() {
  curl_ -I "http://127.0.0.1:$port/big" >"$work/head" &&
    grep -q "^Content-Length: $(stat -c %s "$work/www/big")" "$work/head" &&
    grep -q '^Via: 1.1 httpool' "$work/head"
}

upload() {
  curl_ -f -T "$work/www/big" "http://127.0.0.1:$port/up/a" &&
    cmp "$work/up/a" "$work/www/big"
}

upload_chunked() {
  curl_ -f -H 'Transfer-Encoding: chunked' -T "$work/www/big" \
    "http://127.0.0.1:$port/up/b" &&
    cmp "$work/up/b" "$work/www/big"
}

upload_expecting() {
  curl_ -f -v -H 'Expect: 100-continue' -T "$work/www/big" \
    "http://127.0.0.1:$port/up/c" 2>"$work/verbose" &&
    grep -q '< HTTP/1.1 100 Continue' "$work/verbose" &&
    cmp "$work/up/c" "$work/www/big"
}

fields() {
  [ "$(curl_ -H 'Connection: X-Hop' -H 'X-Hop: 1' -H 'TE: gzip' \
    -H 'X-Forwarded-For: 10.1.1.1' -H 'X-Forwarded-For;' "http://127.0.0.1:$port/fields")" = \
    "10.1.1.1, 127.0.0.1|1.1 httpool|||" ]
}

one_connection() {
  curl_ -v "http://127.0.0.1:$port/small" "http://127.0.0.1:$port/small" \
    "http://127.0.0.1:$port/none" 2>&1 | grep -c 'Re-using existing' |
    grep -qx 2
}

status_page() {
  curl_ "http://127.0.0.1:$port/.gateway" | grep -qx 'pool_max_pending 1000'
}

old_client() {
  curl_ -0 "http://127.0.0.1:$port/small" | cmp - "$work/www/small"
}

# --- raw bytes ---------------------------------------------------------------

# raw TEXT PATTERN COUNT: so many lines of what comes back match.
raw() {
  exec 5<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf '%b' "$1" >&5
  timeout 5 cat <&5 >"$work/raw"
  exec 5>&-
  [ "$(grep -ac "$2" "$work/raw")" = "$3" ] || {
    cat "$work/raw"
    return 1
  }
}

get='GET /small HTTP/1.1\r\nHost: a\r\n'
close='Connection: close\r\n\r\n'
post='POST /small HTTP/1.1\r\nHost: a\r\n'

pipelined() {
  raw "$get\r\n$get\r\n${get}Connection: close\r\n\r\n" '^HTTP/1.1 200' 3
}

refused_smuggling() {
  raw "${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" \
    '^HTTP/1.1 400' 1 &&
    raw "${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" \
      '^HTTP/1.1 400' 1 &&
    raw "${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" \
      '^HTTP/1.1 501' 1 &&
    raw "GET /small HTTP/1.1\r\n\r\n" '^HTTP/1.1 400' 1 &&
    raw "GET /small HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" '^HTTP/1.1 400' 1 &&
    refused_folding
}

refused_folding() {
  local field
  for field in 'X: a\r\n b' 'X: \r\n b' 'X:\r\n\tb' \
    'Transfer-Encoding:\r\n chunked' 'Connection: x\r\n -hop'; do
    raw "${get}$field\r\n\r\n" '^HTTP/1.1 400' 1 || return 1
  done
  raw "GET /small HTTP/1.1\r\n Host: a\r\n\r\n" '^HTTP/1.1 400' 1
}

# A proxy's form of a target: it says which server is meant, not Host.
absolute() {
  raw "GET http://other:81/host?q HTTP/1.1\r\nHost: a\r\n${close}" \
    '^other:81 /host?q' 1 &&
    raw "GET HTTP://[::1]/host HTTP/1.0\r\n\r\n" '^\[::1\] /host' 1 &&
    curl_ -x "http://127.0.0.1:$port" http://some.where/small |
    cmp - "$work/www/small"
}

refused_absolute() {
  local target
  for target in http://u@other/host http://:81/host http:///host \
    https://other/host http:/host "http://a'\"b/host" http://a:b:c/host \
    'http://a[/host' 'http://[::1/host' 'http://[]/host' http://a:8x/host \
    http://a%0d%0ax/host other:81; do
    raw "GET $target HTTP/1.1\r\nHost: a\r\n${close}" '^HTTP/1.1 400' 1 ||
      return 1
  done
  raw "GET http://other/host HTTP/1.1\r\n${close}" '^HTTP/1.1 400' 1 &&
    raw "CONNECT other:81 HTTP/1.1\r\nHost: a\r\n${close}" \
      '^HTTP/1.1 501' 1
}

# asks TARGET LINE: what a server is asked for then, and by which name.
asks() {
  raw "$1 HTTP/1.1\r\nHost: a\r\n${close}" \
    "^$2 HTTP/1.1 \['other'\]" 1
}

# "*" for OPTIONS, "/" for others.
no_path() {
  asks 'OPTIONS http://other' 'OPTIONS \*' &&
    asks 'OPTIONS http://other/' 'OPTIONS /' &&
    asks 'OPTIONS http://other?q' 'OPTIONS /?q' &&
    asks 'GET http://other' 'GET /' &&
    asks 'GET http://other?q' 'GET /?q'
}

# A length there would be nonsense (RFC 9110 8.6), though a server says one.
no_content() {
  raw "GET /204 HTTP/1.1\r\nHost: a\r\n${close}" '^HTTP/1.1 204' 1 &&
    ! grep -aqi '^Content-Length' "$work/raw"
}

# Who is not told that it is kept waits for the end of the connection.
old_and_kept() {
  raw "GET /.gateway HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /.gateway HTTP/1.0\r\n\r\n" \
    '^Connection: \(keep-alive\|close\)' 2
}

refused_size() {
  raw "GET /$(head -c 20000 /dev/zero | tr '\0' a) HTTP/1.1\r\n\r\n" \
    '^HTTP/1.1 414' 1 &&
    raw "${get}X: $(head -c 20000 /dev/zero | tr '\0' a)\r\n\r\n" \
      '^HTTP/1.1 431' 1
}

# --- the limit ---------------------------------------------------------------

# Twenty at once where ten may be: those past it are told so at once.
burst() {
  local i
  for ((i = 0; i < 20; i++)); do
    curl_ -o /dev/null -D "$work/burst.$i" -w '%{http_code}\n' \
      "http://127.0.0.1:$port/slow" >"$work/code.$i" &
    waits[i]=$!
  done
  for ((i = 0; i < 20; i++)); do wait "${waits[i]}"; done
  [ "$(cat "$work"/code.* | grep -c 200)" = 10 ] &&
    [ "$(cat "$work"/code.* | grep -c 503)" = 10 ] &&
    [ "$(cat "$work"/burst.* | grep -c '^Retry-After: 1')" = 10 ]
}

nobody_there() {
  [ "$(curl_ -o /dev/null -w '%{http_code}' \
    "http://127.0.0.1:$port/")" = 502 ]
}

# SIGTERM: what is under way is answered, and the process ends.
graceful() {
  local code
  curl_ -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/slow" \
    >"$work/last" &
  code=$!
  sleep 0.5
  stop_gateway || return 1
  wait "$code" && [ "$(cat "$work/last")" = 200 ]
}

# --- rough clients -----------------------------------------------------------

# rough NAME: a client of clients.py.
rough() {
  timeout 20 python3 "$work/clients.py" "$port" "$@"
}

write_clients() {
  cat >"$work/clients.py" <<'EOF'
import socket, sys, time

port, name = int(sys.argv[1]), sys.argv[2]
s = socket.create_connection(('127.0.0.1', port))
get = b'GET /%s HTTP/1.1\r\nHost: a\r\n\r\n'

def all_of(s):
    got = b''
    while True:
        part = s.recv(1 << 16)
        if not part:
            return got
        got += part

if name == 'half-close':  # two requests, and no more to say
    s.sendall(get % b'small' * 2)
    s.shutdown(socket.SHUT_WR)
    sys.exit(all_of(s).count(b'200 OK') != 2)
if name == 'never-reads':  # asks on and on
    s.setblocking(False)
    end = time.time() + 3
    while time.time() < end:
        try:
            s.send(get % b'.gateway' * 500)
        except BlockingIOError:
            time.sleep(0.01)
    sys.exit(0)
if name == 'half-a-head':  # and nothing more
    s.sendall(b'GET /small HTTP/1.1\r\nHost: a')
    sys.exit(all_of(s) != b'')
if name == 'slow-reader':  # a large answer, read late
    s.sendall(get % b'big')
    time.sleep(2)
    got = all_of(s)
    sys.exit(len(got) < 20000000)
if name == 'vanishes':  # in the middle of everything
    for i in range(200):
        s.sendall(b'PUT /up/v HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\nx' if i % 2 else get % b'big')
        time.sleep(0.002)
        s.close()
        s = socket.create_connection(('127.0.0.1', port))
    sys.exit(0)
EOF
}

# A build with sanitizers keeps what was freed.
bounded_memory() {
  local most=40000
  ! grep -q __asan_init "$PROGRAM" || most=400000
  rough never-reads || return 1
  peak_kb
  [ "$(peak_kb)" -lt "$most" ]
}

vanishing() {
  rough vanishes && curl_ "http://127.0.0.1:$port/small" |
    cmp - "$work/www/small"
}

# What is answered wholly before SIGTERM reaches a slow reader too.
slow_and_stopped() {
  local client
  rough slow-reader &
  client=$!
  sleep 1
  kill -TERM "$gateway"
  wait "$client" && wait "$gateway"
}

# Who has said half a request does not keep it from its end.
half_said_and_stopped() {
  local client start=$SECONDS
  rough half-a-head &
  client=$!
  sleep 1
  kill -TERM "$gateway"
  wait "$client" && wait "$gateway" && [ $((SECONDS - start)) -lt 6 ]
}

drip_server() {
  cat >"$work/drip.py" <<'EOF'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for i in range(20000):
            self.wfile.write(b'3e8\r\n' + b'x' * 1000 + b'\r\n')
        self.wfile.write(b'0\r\n\r\n')
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
  python3 "$work/drip.py" "$1" &
  pids+=($!)
  wait_for "$1"
}

# Tells what it was asked for, and all that Host says.
mirror_server() {
  cat >"$work/mirror.py" <<'EOF'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        text = '%s %s\n' % (self.requestline, self.headers.get_all('Host'))
        nothing = self.path == '/204'
        self.send_response(204 if nothing else 200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        if not nothing:
            self.wfile.write(text.encode())
    do_OPTIONS = do_GET
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
  python3 "$work/mirror.py" "$1" &
  pids+=($!)
  wait_for "$1"
}

many_pieces() {
  [ "$(curl_ "http://127.0.0.1:$port/" | wc -c)" = 20000000 ]
}

# --- other servers and clients -----------------------------------------------

python_server() {
  python3 -m http.server --bind 127.0.0.1 --directory "$work/www" "$1" \
    >/dev/null 2>&1 &
  pids+=($!)
  wait_for "$1"
}

slow_server() {
  cat >"$work/slow.py" <<'EOF'
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        time.sleep(1.5)
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer.request_queue_size = 100
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
EOF
  python3 "$work/slow.py" "$1" &
  pids+=($!)
  wait_for "$1"
}

node_server() {
  node -e 'require("http").createServer((q, r) => {
    if (q.method === "PUT") { q.pipe(r); return; }
    r.write("hel"); setTimeout(() => r.end("lo\n"), 10);
  }).listen(+process.argv[1], "127.0.0.1")' "$1" &
  pids+=($!)
  wait_for "$1"
}

haproxy_server() {
  cat >"$work/haproxy.cfg" <<EOF
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 1s
listen all
  bind 127.0.0.1:$1
  server one 127.0.0.1:$nginx_port
EOF
  haproxy -f "$work/haproxy.cfg" >/dev/null 2>&1 &
  pids+=($!)
  wait_for "$1"
}

echoed() {
  curl_ -f -T "$work/www/big" "http://127.0.0.1:$port/echo" |
    cmp - "$work/www/big"
}

load_wrk() {
  wrk -t1 -c32 -d1 "http://127.0.0.1:$port/small" >"$work/wrk" &&
    ! grep -E 'Socket errors|Non-2xx' "$work/wrk"
}

load_h2load() {
  h2load --h1 -n 5000 -c 16 -m 4 "http://127.0.0.1:$port/small" |
    grep -q '5000 succeeded, 0 failed'
}

for tool in curl nginx python3; do
  if ! has $tool; then
    echo "1..0 # SKIP $tool is not installed"
    exit 77
  fi
done
start_nginx
head -c 20000000 /dev/urandom >"$work/www/big"
echo hello >"$work/www/small"

start_gateway "127.0.0.1:$nginx_port"
check "curl downloads" download
check "curl asks for a range" ranges
check "curl asks for the head" head_only
check "curl uploads" upload
check "curl uploads in chunks" upload_chunked
check "curl waits for a 100" upload_expecting
check "hop-by-hop fields stay behind" fields
check "a connection is kept" one_connection
check "a client of HTTP/1.0 is served" old_client
check "the status page has the numbers" status_page
check "requests may be pipelined" pipelined
check "what could be read in two ways is refused" refused_smuggling
check "a target may name the server" absolute
check "but not in any way" refused_absolute
check "what is too large is refused" refused_size
check "an old client is told that its connection is kept" old_and_kept
if has wrk; then check "wrk" load_wrk; else skip wrk wrk; fi
if has h2load; then check "h2load" load_h2load; else skip h2load h2load; fi
write_clients
check "a half-closed connection gets its answers" rough half-close
check "who asks and never reads costs little" bounded_memory
check "clients may vanish at any time" vanishing
check "it stops when it is told to, behind a slow reader" slow_and_stopped

other=$(free_port)
drip_server "$other"
start_gateway "127.0.0.1:$other"
check "an answer of many pieces" many_pieces
check "it stops when it is told to" stop_gateway
start_gateway "127.0.0.1:$nginx_port"
check "it stops, whoever has said half a request" half_said_and_stopped

other=$(free_port)
python_server "$other"
start_gateway "127.0.0.1:$other"
check "python's server: curl downloads" download
stop_gateway
if has node; then
  other=$(free_port)
  node_server "$other"
  start_gateway "127.0.0.1:$other"
  check "node: both ways at once" echoed
  check "node: chunks" old_client
  stop_gateway
else
  skip node node
fi
if has haproxy; then
  other=$(free_port)
  haproxy_server "$other"
  start_gateway "127.0.0.1:$other"
  check "haproxy: curl downloads" download
  check "haproxy: curl uploads" upload
  stop_gateway
else
  skip haproxy haproxy
fi

other=$(free_port)
mirror_server "$other"
start_gateway "127.0.0.1:$other"
check "a target may have no path" no_path
check "no content has no length" no_content
stop_gateway

slow=$(free_port)
slow_server "$slow"
start_gateway "127.0.0.1:$slow" --max-pending 10 --max-connections 10
check "past the limit it says 503 at once" burst
check "what is under way is answered before it stops" graceful
start_gateway "127.0.0.1:$(free_port)"
check "without a server it says 502" nobody_there
stop_gateway
finish
