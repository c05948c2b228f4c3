/*
 * The two loads that wrk cannot make. A garbage collector here would be measured as a stall of the
 * balancer there, so it is C.
 *
 *   load steady PORT[,PORT...] CONNECTIONS MILLISECONDS REQUESTS_PER_SECOND [WARM_UP_MILLISECONDS]
 *     An open loop: GET / at a constant rate, whatever comes back. A request's latency counts from
 *     the moment it was meant to be sent, also when it had to wait for a free connection, so that a
 *     stall shows in every request that it delayed (no coordinated omission). Connections are
 *     shared out among the ports. What is due while it warms up is sent, and not counted.
 *
 *   load echo PORT CONNECTIONS MILLISECONDS PAYLOAD_BYTES
 *     A closed loop over WebSocket: each connection sends a masked binary frame, waits for its echo,
 *     compares it, and sends the next.
 *
 * Prints one JSON object; latencies in microseconds. A request that is not answered two seconds
 * after the last was due is an error, and counts with the time it has waited. An answer of 502 or
 * 503 is an error as well, and is a refusal besides: of those, and of good answers (`served`), the
 * latencies are also told apart.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, IN_BYTES = 16 * 1024, MOST_PAYLOAD = 125, HEAD_TIMEOUT_S = 5 };
enum { MOST_PORTS = 64 };

static const uint64_t SECOND_NS = 1000000000;
static const uint64_t GRACE_NS = 2000000000;

typedef struct Connection {
  int fd;
  int port;
  bool busy;
  uint64_t from_ns; /* when the request under way was due */
  size_t have;
  char in[IN_BYTES + 1];
  struct Connection *next_idle;
} Connection;

/* Latencies of a kind. */
typedef struct Latencies {
  uint64_t *ns;
  size_t count, room;
} Latencies;

static int poller, timer;
static Connection *connections;
static size_t connection_count;
/* First in, first out, so that every connection has its share. */
static Connection *idle_first, *idle_last;
static Latencies all, served, refused;
static uint64_t errors, bytes_in, under_way;
/* What was due before is not counted. */
static uint64_t measured_from_ns;
static char request[4096];
static size_t request_bytes;
static char expected[MOST_PAYLOAD + 2];
static size_t expected_bytes;

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * SECOND_NS + (uint64_t)at.tv_nsec;
}

static void add(Latencies *to, uint64_t latency_ns) {
  if (to->count == to->room) {
    to->room = to->room == 0 ? 1 << 16 : to->room * 2;
    to->ns = realloc(to->ns, to->room * sizeof *to->ns);
    if (to->ns == NULL) fail("realloc");
  }
  to->ns[to->count++] = latency_ns;
}

/* `status`: 0: there was no answer. */
static void record(uint64_t due_ns, uint64_t now, int status) {
  if (due_ns < measured_from_ns) return;
  uint64_t latency_ns = now - due_ns;
  add(&all, latency_ns);
  if (status == 200) add(&served, latency_ns);
  else errors++;
  if (status == 502 || status == 503) add(&refused, latency_ns);
}

static void give_back(Connection *it) {
  it->busy = false;
  it->have = 0;
  it->next_idle = NULL;
  if (idle_first == NULL) idle_first = it;
  else idle_last->next_idle = it;
  idle_last = it;
}

static void dial(Connection *it) {
  it->fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)it->port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (it->fd < 0 || connect(it->fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connect");
  int on = 1;
  setsockopt(it->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* From here on the loop hears of the connection. */
static void enter_loop(Connection *it) {
  fcntl(it->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = it};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, it->fd, &event) != 0) fail("epoll_ctl");
}

/* WebSocket's opening handshake, while nothing is measured yet. */
static void upgrade(Connection *it) {
  static const char head[] =
      "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  struct timeval patience = {.tv_sec = HEAD_TIMEOUT_S};
  setsockopt(it->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (write(it->fd, head, sizeof head - 1) != (ssize_t)sizeof head - 1) fail("write");
  size_t have = 0;
  for (;;) {
    ssize_t got = read(it->fd, it->in + have, IN_BYTES - have);
    if (got <= 0) fail("no answer to the WebSocket handshake");
    have += (size_t)got;
    it->in[have] = 0;
    if (strstr(it->in, "\r\n\r\n") != NULL) break;
  }
  if (strncmp(it->in, "HTTP/1.1 101", 12) != 0) {
    fprintf(stderr, "load: no WebSocket here: %.*s\n", (int)strcspn(it->in, "\r"), it->in);
    exit(1);
  }
}

static void open_connection(Connection *it, bool echo) {
  dial(it);
  if (echo) upgrade(it);
  enter_loop(it);
}

static void ask(uint64_t from_ns) {
  Connection *it = idle_first;
  idle_first = it->next_idle;
  it->busy = true;
  it->from_ns = from_ns;
  under_way++;
  /* Small against a socket's buffer, which is empty: a short write means that the peer is gone, and
     reading will tell. */
  (void)!send(it->fd, request, request_bytes, MSG_NOSIGNAL);
}

/* Bytes of the whole answer at the front of `in`; 0: not all there; -1: nothing we can read. */
static ssize_t http_answer(Connection *it, int *status) {
  it->in[it->have] = 0;
  char *end = strstr(it->in, "\r\n\r\n");
  if (end == NULL) return it->have == IN_BYTES ? -1 : 0;
  if (strncmp(it->in, "HTTP/1.1 ", 9) != 0) return -1;
  char *length = strcasestr(it->in, "\r\ncontent-length:");
  if (length == NULL || length > end) return -1;
  size_t whole = (size_t)(end - it->in) + 4 + strtoul(length + 17, NULL, 10);
  if (whole > IN_BYTES) return -1;
  if (it->have < whole) return 0;
  *status = atoi(it->in + 9);
  return (ssize_t)whole;
}

static ssize_t echo_answer(Connection *it, int *status) {
  if (it->have < expected_bytes) return 0;
  if (memcmp(it->in, expected, expected_bytes) != 0) return -1;
  *status = 200;
  return (ssize_t)expected_bytes;
}

/* Whether the connection may be asked again after the answer that is there. */
static bool stays_open(Connection *it, bool echo) {
  return echo || strcasestr(it->in, "\r\nconnection: close") == NULL;
}

static void on_readable(Connection *it, bool echo) {
  ssize_t got = read(it->fd, it->in + it->have, IN_BYTES - it->have);
  if (got < 0 && errno == EAGAIN) return;
  ssize_t whole = -1;
  int status = 0;
  if (got > 0) {
    bytes_in += (uint64_t)got;
    it->have += (size_t)got;
    whole = echo ? echo_answer(it, &status) : http_answer(it, &status);
    if (whole == 0) return;
  }
  bool was_busy = it->busy;
  bool is_clean = was_busy && whole == (ssize_t)it->have;
  if (was_busy) {
    record(it->from_ns, now_ns(), is_clean ? status : 0);
    under_way--;
  } else if (got > 0) {
    errors++;
  }
  /* A connection closed while idle is a server's right. */
  if (!is_clean || !stays_open(it, echo)) {
    close(it->fd);
    it->have = 0;
    open_connection(it, echo);
  }
  if (was_busy) give_back(it);
}

static void wake_at(uint64_t at_ns) {
  struct itimerspec when = {
      .it_value = {.tv_sec = (time_t)(at_ns / SECOND_NS), .tv_nsec = (long)(at_ns % SECOND_NS)}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void handle_events(bool echo) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(poller, events, EVENTS, -1);
  for (int n = 0; n < count; n++) {
    if (events[n].data.ptr != NULL) {
      on_readable(events[n].data.ptr, echo);
      continue;
    }
    uint64_t times;
    (void)!read(timer, &times, sizeof times);
  }
}

/* Returns the time it took, from where it is measured. */
static uint64_t run_steady(uint64_t warm_up_ns, uint64_t measured_ns, double rate) {
  uint64_t begin = now_ns();
  uint64_t length_ns = warm_up_ns + measured_ns;
  measured_from_ns = begin + warm_up_ns;
  uint64_t total = (uint64_t)(rate * (double)length_ns / 1e9);
  double gap_ns = 1e9 / rate;
  uint64_t give_up = begin + length_ns + GRACE_NS;
  uint64_t sent = 0;
  for (;;) {
    uint64_t now = now_ns();
    uint64_t due = begin + (uint64_t)((double)sent * gap_ns);
    for (; sent < total && due <= now && idle_first != NULL; sent++) {
      ask(due);
      due = begin + (uint64_t)((double)(sent + 1) * gap_ns);
    }
    if ((sent == total && under_way == 0) || now >= give_up) break;
    wake_at(sent < total && idle_first != NULL ? due : give_up);
    handle_events(false);
  }
  uint64_t end = now_ns();
  for (size_t n = 0; n < connection_count; n++) {
    if (connections[n].busy) record(connections[n].from_ns, end, 0);
  }
  for (; sent < total; sent++) record(begin + (uint64_t)((double)sent * gap_ns), end, 0);
  return end - measured_from_ns;
}

static uint64_t run_echo(uint64_t length_ns) {
  uint64_t begin = now_ns();
  uint64_t end = begin + length_ns;
  wake_at(end + GRACE_NS);
  for (;;) {
    uint64_t now = now_ns();
    while (now < end && idle_first != NULL) ask(now);
    if (now >= end && (under_way == 0 || now >= end + GRACE_NS)) break;
    handle_events(true);
  }
  errors += under_way;
  return now_ns() - begin;
}

static int by_size(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return (left > right) - (left < right);
}

/* The latency that `share` of them stayed below or at; 0 of none. */
static double percentile(const Latencies *of, double share) {
  if (of->count == 0) return 0;
  size_t rank = (size_t)(share * (double)of->count);
  return (double)of->ns[rank < of->count ? rank : of->count - 1] / 1e3;
}

static void sort(Latencies *those) { qsort(those->ns, those->count, sizeof *those->ns, by_size); }

static void report(uint64_t took_ns) {
  sort(&all);
  sort(&served);
  sort(&refused);
  double seconds = (double)took_ns / 1e9;
  printf("{\"requests\":%zu,\"errors\":%llu,\"seconds\":%.6f,\"bytes\":%llu,", served.count,
         (unsigned long long)errors, seconds, (unsigned long long)bytes_in);
  printf("\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f,", percentile(&all, 0.5),
         percentile(&all, 0.99), percentile(&all, 0.999), percentile(&all, 1));
  printf("\"servedP50\":%.1f,\"servedP99\":%.1f,", percentile(&served, 0.5),
         percentile(&served, 0.99));
  printf("\"refused\":%zu,\"refusedP50\":%.1f,\"refusedP99\":%.1f}\n", refused.count,
         percentile(&refused, 0.5), percentile(&refused, 0.99));
}

static void prepare_echo(size_t payload) {
  static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  request[0] = expected[0] = (char)0x82;
  request[1] = (char)(0x80 | payload);
  expected[1] = (char)payload;
  memcpy(request + 2, mask, 4);
  for (size_t n = 0; n < payload; n++) {
    expected[2 + n] = (char)('a' + n % 26);
    request[6 + n] = (char)(expected[2 + n] ^ mask[n % 4]);
  }
  request_bytes = payload + 6;
  expected_bytes = payload + 2;
}

/* Takes `8001,8002` apart; returns how many there are. */
static size_t read_ports(char *text, int ports[MOST_PORTS]) {
  size_t count = 0;
  char *part = strtok(text, ",");
  for (; part != NULL && count < MOST_PORTS; part = strtok(NULL, ",")) ports[count++] = atoi(part);
  return count;
}

int main(int argc, char **argv) {
  bool echo = argc == 6 && strcmp(argv[1], "echo") == 0;
  if (!echo && (argc < 6 || argc > 7 || strcmp(argv[1], "steady") != 0)) {
    fprintf(stderr, "load steady PORT[,PORT...] CONNECTIONS MILLISECONDS RATE [WARM_UP]\n"
                    "load echo PORT CONNECTIONS MILLISECONDS PAYLOAD_BYTES\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  int ports[MOST_PORTS];
  size_t port_count = read_ports(argv[2], ports);
  connection_count = strtoul(argv[3], NULL, 10);
  uint64_t length_ns = strtoull(argv[4], NULL, 10) * 1000000;
  uint64_t warm_up_ns = argc == 7 ? strtoull(argv[6], NULL, 10) * 1000000 : 0;
  double last = strtod(argv[5], NULL);
  if (port_count == 0 || connection_count == 0 || last < 1 || (echo && last > MOST_PAYLOAD)) {
    fprintf(stderr, "load: a port, a connection and a rate of 1 at least; a payload of 1 to 125\n");
    return 2;
  }
  if (echo) prepare_echo((size_t)last);
  else request_bytes = (size_t)sprintf(request, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  poller = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  connections = calloc(connection_count, sizeof *connections);
  if (connections == NULL) fail("calloc");
  for (size_t n = 0; n < connection_count; n++) {
    connections[n].port = ports[n % port_count];
    open_connection(&connections[n], echo);
    give_back(&connections[n]);
  }
  report(echo ? run_echo(length_ns) : run_steady(warm_up_ns, length_ns, last));
}
