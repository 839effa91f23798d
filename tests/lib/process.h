/* Real servers as child processes: nginx and haproxy, each with a directory of
 * its own, on a free port of 127.0.0.1, in the foreground, in a process group
 * of its own. One that the test forgets ends with the test.
 *
 *   process_t nginx;
 *   process_nginx(&nginx, 0, "location / { return 200 hello; }");
 *   pool_add_endpoint(pool, nginx.address);
 *   ...
 *   process_remove(&nginx);
 *
 * Functions that wait block; what they wait for has a bound, and they fail the
 * test when it is reached. Where the program is not installed, they skip it. */
#ifndef PROCESS_H_
#define PROCESS_H_

#include <sys/types.h>

#define PROCESS_START_MS 5000u /* to listen, and to end */

typedef struct {
  char dir[64];     /* its files; "" when there are none */
  char program[64]; /* the path of what it runs */
  char address[32]; /* "127.0.0.1:4711" */
  int port;
  int workers; /* nginx: a master process and workers, not just one */
  pid_t pid;   /* 0 while it does not run */
} process_t;

/* Whether a program ("nginx") is installed. */
int process_installed(const char *program);

/* Prints a reason and skips the test if `program` is not installed. */
void process_need(const char *program);

/* Makes the directory; nothing runs yet. */
void process_init(process_t *process);

/* Writes one of its files. */
void process_write(const process_t *process, const char *name, const char *text,
                   size_t len);

/* Fills `text` with bytes that repeat at no power of two. */
void process_pattern(char *text, size_t len);

/* Starts nginx with one server of those directives ("root" is the directory),
 * after process_init(), or makes that too when the struct is all zeroes. What
 * is to be outside of the server goes to a file NAME.http beforehand.
 * `workers`: with a master process, so that SIGHUP reloads it. */
void process_nginx(process_t *process, int workers, const char *directives);

/* Starts haproxy with one frontend; `defaults`, `frontend` and `others` (whole
 * sections) are lines of its configuration. */
void process_haproxy(process_t *process, const char *defaults,
                     const char *frontend, const char *others);

/* Sends a signal to it, or to its whole group. */
void process_signal(const process_t *process, int sig);
void process_signal_all(const process_t *process, int sig);

/* Waits until it has ended, for PROCESS_START_MS at most. */
void process_wait(process_t *process);

/* Kills it with its group, and waits. Its files stay. */
void process_kill(process_t *process);

/* Starts again what was started before, at the same port. */
void process_restart(process_t *process);

/* The same in parts that do not wait, for who has a loop to run meanwhile:
 * starts it; whether it listens by now; whether it has ended by now. */
void process_begin(process_t *process);
int process_listens(const process_t *process);
int process_has_ended(process_t *process);

/* After SIGSTOP: whether it has come to a stop since the last call. */
int process_is_stopped(const process_t *process);

/* Kills it if it runs and removes its files. To be called twice, or on a
 * struct of zeroes, is fine. */
void process_remove(process_t *process);

#endif
