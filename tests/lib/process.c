#include "process.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define TRIES      5    /* ports that may turn out to be taken */
#define FDS        1024 /* that a child does not inherit */
#define CONF_BYTES 8192

/* --- programs ------------------------------------------------------------ */

static int find_program(const char *program, char *path, size_t size) {
  static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin",
                                     "/usr/local/bin", "/sbin"};
  size_t i;

  for (i = 0; i < sizeof dirs / sizeof *dirs; i++) {
    snprintf(path, size, "%s/%s", dirs[i], program);
    if (access(path, X_OK) == 0)
      return 1;
  }
  return 0;
}

int process_installed(const char *program) {
  char path[64];

  return find_program(program, path, sizeof path);
}

void process_need(const char *program) {
  if (process_installed(program))
    return;
  print_message("%s is not installed\n", program);
  skip();
}

/* --- files --------------------------------------------------------------- */

void process_init(process_t *process) {
  memset(process, 0, sizeof *process);
  snprintf(process->dir, sizeof process->dir, "/tmp/httpool-real-XXXXXX");
  assert_non_null(mkdtemp(process->dir));
}

void process_write(const process_t *process, const char *name, const char *text,
                   size_t len) {
  char path[160];
  FILE *file;

  snprintf(path, sizeof path, "%s/%s", process->dir, name);
  file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

void process_pattern(char *text, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    text[i] = (char)('a' + i % 23);
}

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path);
}

/* What the program said, for whoever has to find out why it failed. */
static void print_log(const process_t *process) {
  char path[160], line[512];
  FILE *file;

  snprintf(path, sizeof path, "%s/log", process->dir);
  file = fopen(path, "r");
  if (file == NULL)
    return;
  while (fgets(line, sizeof line, file) != NULL)
    print_error("%s: %s", process->program, line);
  fclose(file);
}

/* --- ports -----------------------------------------------------------------
 */

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address;

  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((uint16_t)port);
  return address;
}

/* A port that was free a moment ago. */
static int free_port(void) {
  struct sockaddr_in address = loopback(0);
  socklen_t len = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  close(fd);
  return ntohs(address.sin_port);
}

/* --- running -----------------------------------------------------------------
 */

static uint64_t now_ms(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pause_briefly(void) {
  struct timespec time = {0, 2000000};

  nanosleep(&time, NULL);
}

/* The child: the program, or exit with 127. */
static void become(const process_t *process, char *const *argv) {
  char log[160];
  int fd;

  prctl(PR_SET_PDEATHSIG, SIGTERM);
  setpgid(0, 0);
  signal(SIGPIPE, SIG_DFL);
  snprintf(log, sizeof log, "%s/log", process->dir);
  fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd >= 0) {
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
  }
  for (fd = STDERR_FILENO + 1; fd < FDS; fd++)
    close(fd);
  execv(process->program, argv);
  _exit(127);
}

int process_has_ended(process_t *process) {
  if (process->pid != 0 && waitpid(process->pid, NULL, WNOHANG) != 0)
    process->pid = 0;
  return process->pid == 0;
}

int process_is_stopped(const process_t *process) {
  int status = 0;

  return waitpid(process->pid, &status, WNOHANG | WUNTRACED) == process->pid &&
         WIFSTOPPED(status);
}

int process_listens(const process_t *process) {
  struct sockaddr_in address = loopback(process->port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int rc;

  assert_true(fd >= 0);
  rc = connect(fd, (struct sockaddr *)&address, sizeof address);
  close(fd);
  return rc == 0;
}

void process_begin(process_t *process) {
  char conf[160];
  char *argv[6] = {process->program, "-c", conf, NULL, NULL, NULL};

  assert_int_equal(process->pid, 0);
  snprintf(conf, sizeof conf, "%s/conf", process->dir);
  if (strstr(process->program, "haproxy") != NULL) {
    argv[1] = "-db"; /* in the foreground */
    argv[2] = "-f";
    argv[3] = conf;
  } else {
    argv[3] = "-p";
    argv[4] = process->dir;
  }
  process->pid = fork();
  assert_true(process->pid >= 0);
  if (process->pid == 0)
    become(process, argv);
}

/* Starts it: 0 once it listens, -1 when it ended before. */
static int launch(process_t *process) {
  uint64_t until = now_ms() + PROCESS_START_MS;

  process_begin(process);
  while (!process_has_ended(process)) {
    if (process_listens(process))
      return 0;
    if (now_ms() > until) {
      process_kill(process);
      break;
    }
    pause_briefly();
  }
  return -1;
}

/* Writes the configuration and starts it, at another port when the first one
 * was taken meanwhile. */
static void start(process_t *process, const char *program,
                  int (*write_conf)(const process_t *process, char *conf,
                                    const void *arg),
                  const void *arg) {
  char conf[CONF_BYTES];
  int try;

  find_program(program, process->program, sizeof process->program);
  for (try = 0; try < TRIES; try++) {
    int len;

    process->port = free_port();
    snprintf(process->address, sizeof process->address, "127.0.0.1:%d",
             process->port);
    len = write_conf(process, conf, arg);
    assert_in_range(len, 1, CONF_BYTES - 1);
    process_write(process, "conf", conf, (size_t)len);
    if (launch(process) == 0)
      return;
  }
  print_log(process);
  process_remove(process);
  fail_msg("%s does not start", program);
}

/* --- nginx -------------------------------------------------------------------
 */

static const char nginx_conf[] = "daemon off;\n"
                                 "master_process %s;\n"
                                 "worker_processes 1;\n"
                                 "%s"
                                 "pid %s/pid;\n"
                                 "error_log %s/log warn;\n"
                                 "events { worker_connections 512; }\n"
                                 "http {\n"
                                 "  access_log off;\n"
                                 "  client_body_temp_path %s/body;\n"
                                 "  proxy_temp_path %s/proxy;\n"
                                 "  fastcgi_temp_path %s/fastcgi;\n"
                                 "  uwsgi_temp_path %s/uwsgi;\n"
                                 "  scgi_temp_path %s/scgi;\n"
                                 "  types { text/html html; }\n"
                                 "  default_type text/plain;\n"
                                 "  include *.http;\n"
                                 "  server {\n"
                                 "    listen 127.0.0.1:%d;\n"
                                 "    root %s;\n"
                                 "%s\n"
                                 "  }\n"
                                 "}\n";

static int write_nginx(const process_t *process, char *conf, const void *arg) {
  const char *dir = process->dir;

  return snprintf(conf, CONF_BYTES, nginx_conf, process->workers ? "on" : "off",
                  getuid() == 0 && process->workers ? "user root;\n" : "", dir,
                  dir, dir, dir, dir, dir, dir, process->port, dir,
                  (const char *)arg);
}

void process_nginx(process_t *process, int workers, const char *directives) {
  process_need("nginx");
  if (process->dir[0] == '\0')
    process_init(process);
  process->workers = workers;
  start(process, "nginx", write_nginx, directives);
}

/* --- haproxy ---------------------------------------------------------------
 */

typedef struct {
  const char *defaults;
  const char *frontend;
  const char *others;
} haproxy_parts_t;

static const char haproxy_conf[] = "global\n"
                                   "  maxconn 500\n"
                                   "defaults\n"
                                   "  mode http\n"
                                   "  timeout connect 2s\n"
                                   "  timeout client 5s\n"
                                   "  timeout server 5s\n"
                                   "%s\n"
                                   "frontend front\n"
                                   "  bind 127.0.0.1:%d\n"
                                   "%s\n"
                                   "%s\n";

static int write_haproxy(const process_t *process, char *conf,
                         const void *arg) {
  const haproxy_parts_t *parts = arg;

  return snprintf(conf, CONF_BYTES, haproxy_conf, parts->defaults,
                  process->port, parts->frontend, parts->others);
}

void process_haproxy(process_t *process, const char *defaults,
                     const char *frontend, const char *others) {
  haproxy_parts_t parts = {defaults, frontend, others};

  process_need("haproxy");
  if (process->dir[0] == '\0')
    process_init(process);
  start(process, "haproxy", write_haproxy, &parts);
}

/* --- signals and the end ------------------------------------------------- */

void process_signal(const process_t *process, int sig) {
  assert_true(process->pid > 0);
  assert_int_equal(kill(process->pid, sig), 0);
}

void process_signal_all(const process_t *process, int sig) {
  assert_true(process->pid > 0);
  assert_int_equal(kill(-process->pid, sig), 0);
}

void process_wait(process_t *process) {
  uint64_t until = now_ms() + PROCESS_START_MS;

  while (!process_has_ended(process)) {
    if (now_ms() > until)
      fail_msg("%s does not end", process->program);
    pause_briefly();
  }
}

void process_kill(process_t *process) {
  pid_t pid = process->pid;

  if (pid == 0)
    return;
  kill(-pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    continue;
  process->pid = 0;
}

void process_restart(process_t *process) {
  if (launch(process) == 0)
    return;
  print_log(process);
  fail_msg("%s does not start again", process->program);
}

void process_remove(process_t *process) {
  process_kill(process);
  if (process->dir[0] != '\0')
    nftw(process->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  memset(process, 0, sizeof *process);
}
