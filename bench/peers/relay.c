/*
 * The limit: bytes go from one socket to the other and nobody looks at them. No HTTP, no timeouts,
 * no log. Each client connection gets a backend connection of its own, round robin. What a balancer
 * costs above this is what its understanding of HTTP costs.
 *
 *   relay PORT BACKEND_PORT...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, BUFFER_BYTES = 128 * 1024 };

/* One socket of a pair. Bytes that it could not take yet wait in `pending`. */
typedef struct End {
  int fd;
  uint32_t watched;
  bool ended; /* its FIN has been read */
  bool dead;
  char *pending;
  size_t pending_bytes;
  struct End *other;
  struct End *next_dead;
} End;

static int poller;
static char buffer[BUFFER_BYTES];
static struct sockaddr_in backends[16];
static int backend_count, next_backend;
/* Events of one batch may still name a pair that an earlier event closed: freed after the batch. */
static End *graveyard;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in local(const char *port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

static void watch(End *end, uint32_t events) {
  if (end->watched == events) return;
  end->watched = events;
  struct epoll_event event = {.events = events, .data.ptr = end};
  epoll_ctl(poller, EPOLL_CTL_MOD, end->fd, &event);
}

static End *add(int fd, uint32_t events) {
  End *end = calloc(1, sizeof *end);
  if (end == NULL) fail("calloc");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  end->fd = fd;
  end->watched = events;
  struct epoll_event event = {.events = events, .data.ptr = end};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  return end;
}

static void bury(End *end) {
  end->dead = true;
  close(end->fd);
  free(end->pending);
  end->pending = NULL;
  end->next_dead = graveyard;
  graveyard = end;
}

static void close_pair(End *end) {
  bury(end->other);
  bury(end);
}

static void accept_all(int listener) {
  for (;;) {
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (client < 0) return;
    int backend = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (backend < 0) {
      close(client);
      return;
    }
    struct sockaddr_in *at = &backends[next_backend++ % backend_count];
    if (connect(backend, (struct sockaddr *)at, sizeof *at) != 0 && errno != EINPROGRESS) {
      close(client);
      close(backend);
      continue;
    }
    End *left = add(client, EPOLLIN);
    End *right = add(backend, EPOLLIN);
    left->other = right;
    right->other = left;
  }
}

/* Sends what it can and keeps the rest; the source is not read until that rest is gone. */
static bool push(End *to, const char *bytes, size_t length) {
  ssize_t sent = send(to->fd, bytes, length, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) return false;
  size_t taken = sent < 0 ? 0 : (size_t)sent;
  if (taken == length) return true;
  char *rest = malloc(length - taken);
  if (rest == NULL) return false;
  memcpy(rest, bytes + taken, length - taken);
  free(to->pending);
  to->pending = rest;
  to->pending_bytes = length - taken;
  watch(to, to->watched | EPOLLOUT);
  watch(to->other, to->other->watched & ~(uint32_t)EPOLLIN);
  return true;
}

static bool on_readable(End *from) {
  ssize_t got = recv(from->fd, buffer, sizeof buffer, 0);
  if (got > 0) return push(from->other, buffer, (size_t)got);
  if (got < 0) return errno == EAGAIN;
  from->ended = true;
  watch(from, from->watched & ~(uint32_t)EPOLLIN);
  if (from->other->ended) return false;
  shutdown(from->other->fd, SHUT_WR);
  return true;
}

static bool on_writable(End *to) {
  char *pending = to->pending;
  size_t length = to->pending_bytes;
  to->pending = NULL;
  watch(to, to->watched & ~(uint32_t)EPOLLOUT);
  if (!to->other->ended) watch(to->other, to->other->watched | EPOLLIN);
  bool fine = pending == NULL || push(to, pending, length);
  free(pending);
  return fine;
}

static void serve(End *end, uint32_t events) {
  if (end->dead) return;
  bool fine = true;
  if (events & EPOLLOUT) fine = on_writable(end);
  if (fine && (events & EPOLLIN)) fine = on_readable(end);
  if (fine && (events & EPOLLERR)) fine = false;
  if (fine && (events & EPOLLHUP) && !(events & EPOLLIN)) fine = false;
  if (!fine) close_pair(end);
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 18) {
    fprintf(stderr, "relay PORT BACKEND_PORT...\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  backend_count = argc - 2;
  for (int n = 0; n < backend_count; n++) backends[n] = local(argv[n + 2]);
  poller = epoll_create1(0);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in at = local(argv[1]);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0) fail("bind");
  if (listen(listener, 4096) != 0) fail("listen");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int n = 0; n < count; n++) {
      if (events[n].data.ptr == NULL) accept_all(listener);
      else serve(events[n].data.ptr, events[n].events);
    }
    while (graveyard != NULL) {
      End *end = graveyard;
      graveyard = end->next_dead;
      free(end);
    }
  }
}
