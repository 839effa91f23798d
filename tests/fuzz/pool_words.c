#include "pool_words.h"

#define CRLF "\r\n"
#define OK   "HTTP/1.1 200 OK\r\n"
#define X8   "xxxxxxxx"
#define X64  X8 X8 X8 X8 X8 X8 X8 X8
#define X256 X64 X64 X64 X64

static const char *const pieces[] = {
    OK,
    "Content-Length: 5" CRLF,
    CRLF,
    "hello",
    "Transfer-Encoding: chunked" CRLF,
    "5" CRLF "hello" CRLF,
    "0" CRLF CRLF,
    "Connection: close" CRLF,
    "HTTP/1.0 200 OK" CRLF,
    "HTTP/1.1 204 No Content" CRLF,
    "HTTP/1.1 304 Not Modified" CRLF,
    "HTTP/1.1 503 Busy" CRLF,
    "HTTP/1.1 100 Continue" CRLF CRLF,
    "HTTP/1.1 103 Early Hints" CRLF "Link: </a>" CRLF CRLF,
    "HTTP/1.1 101 Switching Protocols" CRLF "Upgrade: x" CRLF,
    "HTTP/2.0 200 OK" CRLF,
    "Content-Length: 0" CRLF,
    "Content-Length: 1000" CRLF,
    "Content-Length: 18446744073709551615" CRLF,
    "Content-Length: +5" CRLF,
    "Content-Length: 5, 5" CRLF,
    "Transfer-Encoding: gzip, chunked" CRLF,
    "Transfer-Encoding: identity" CRLF,
    "Connection: keep-alive" CRLF,
    "Keep-Alive: timeout=1, max=10" CRLF,
    "Keep-Alive: timeout=0" CRLF,
    "Server: x" CRLF "Date: today" CRLF,
    "Set-Cookie: " X256 CRLF,
    " folded" CRLF,
    "No colon" CRLF,
    ": no name" CRLF,
    "A:" CRLF,
    "\n",
    "\r",
    "0" CRLF,
    "1" CRLF "x" CRLF,
    "5;ext=\"a;b\"" CRLF "hello" CRLF,
    "5 " CRLF "hello" CRLF,
    "ffffffffffffffff" CRLF,
    "100" CRLF X256 CRLF,
    "0" CRLF "Trailer: x" CRLF CRLF,
    "0" CRLF "Content-Length: 3" CRLF CRLF,
    "0" CRLF "Connection: close" CRLF CRLF,
    "0;" X64 CRLF CRLF,
    X8,
    X256,
    X256 X256 X256 X256,
    "HTTP/1.1 200",
};

static const char *const wholes[] = {
    OK "Content-Length: 5" CRLF CRLF "hello",
    OK "Transfer-Encoding: chunked" CRLF CRLF "5" CRLF "hello" CRLF
       "0" CRLF CRLF,
    OK CRLF "until the end",
    OK "Content-Length: 0" CRLF "Connection: close" CRLF CRLF,
    "HTTP/1.0 200 OK" CRLF "Content-Length: 2" CRLF CRLF "hi",
    "HTTP/1.0 200 OK" CRLF "Connection: keep-alive" CRLF
    "Content-Length: 2" CRLF CRLF "hi",
    "HTTP/1.1 204 No Content" CRLF CRLF,
    "HTTP/1.1 304 Not Modified" CRLF "Content-Length: 10" CRLF CRLF,
    "HTTP/1.1 100 Continue" CRLF CRLF OK "Content-Length: 2" CRLF CRLF "hi",
    /* Two for one. */
    OK "Content-Length: 0" CRLF CRLF OK "Content-Length: 0" CRLF CRLF,
    /* Some more than it says, and less. */
    OK "Content-Length: 2" CRLF CRLF "hi there",
    OK "Content-Length: 9" CRLF CRLF "hi",
    OK "Content-Length: 2" CRLF CRLF "hi" CRLF,
    OK "Content-Length: 2" CRLF "Transfer-Encoding: chunked" CRLF CRLF "2" CRLF
       "hi" CRLF "0" CRLF CRLF,
    OK "Keep-Alive: timeout=1" CRLF "Content-Length: 0" CRLF CRLF,
    OK "Content-Length: 1024" CRLF CRLF X256 X256 X256 X256,
    OK "Cookie: " X256 X256 X256 X256 CRLF "Content-Length: 0" CRLF CRLF,
    "HTTP/1.1 408 Request Timeout" CRLF "Connection: close" CRLF
    "Content-Length: 0" CRLF CRLF,
    "HTTP/1.1 101 Switching Protocols" CRLF "Upgrade: h2c" CRLF
    "Connection: Upgrade" CRLF CRLF,
    "<html>not HTTP</html>",
};

const char *words_piece(unsigned n) {
  return pieces[n % (sizeof pieces / sizeof pieces[0])];
}

const char *words_whole(unsigned n) {
  return wholes[n % (sizeof wholes / sizeof wholes[0])];
}
