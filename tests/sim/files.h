/* The virtual descriptors of the process, and epoll over them. */
#ifndef SIM_FILES_H_
#define SIM_FILES_H_

#include <sys/epoll.h>
#include <sys/socket.h>

#include "tcp.h"

#define FILES_BASE  512 /* above what a test has of real ones */
#define FILES_MAX   4096
#define BACKLOG_MAX 512

typedef struct file_s file_t;

void files_begin(uint64_t seed, int shuffle);
void files_end(void);

/* The file of a virtual descriptor, or NULL. */
file_t *files_find(int fd);

/* Each is what the system call of that name does: 0 or more, or -errno. */
int files_socket(int family);
int files_bind(file_t *file, const struct sockaddr *address);
int files_listen(file_t *file, int backlog);
int files_accept(file_t *file);
int files_connect(file_t *file, const struct sockaddr *address,
                  const tcp_path_t *path, int lost, int error);
int files_close(file_t *file);

/* SO_LINGER 0, or not; also of a socket without a connection yet. */
void files_linger(file_t *file, int resets);

/* SIOCOUTQ: 0 and the value, or -errno. */
int files_unsent(const file_t *file, int *bytes);
void files_name(const file_t *file, struct sockaddr *address, socklen_t *len,
                int peer);
int files_epoll_ctl(int epfd, int op, file_t *file,
                    const struct epoll_event *event);

/* What a file is ready for: EPOLL*. */
uint32_t files_events(const file_t *file);

/* Whether files_poll() would find anything. */
int files_any_ready(int epfd);

/* What is ready, without waiting; up to `max` events. */
int files_poll(int epfd, struct epoll_event *events, int max);

/* The connection's end, or NULL while it has none. */
tcp_end_t *files_end_of(const file_t *file);

/* Whether it is connected, as getpeername() sees it. */
int files_connected(const file_t *file);

/* The port that a sockaddr names. */
int files_port_of(const struct sockaddr *address);

uint32_t files_open(void);

#endif
