/*
 * netplugin-cni: the executable that container runtimes start for each call of the Container Network Interface. It hands
 * the CNI_ variables, its standard input and a deadline to netplugin's unix socket, prints the answer and ends with its
 * status. When netplugin is away it says so at once, with CNI's error 11 (try again later).
 *
 *   request   "CNI1" NUL, "KEY=VALUE" NUL for each variable, NUL, standard input, NUL; an end before the answer takes it back
 *   answer    "0" or "1" (the exit status), newline, JSON for standard output, end
 *
 * No memory is allocated: what does not fit into the two buffers is refused. NETPLUGIN_CNI_SOCKET names another socket.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef NETPLUGIN_CNI_SOCKET
#define NETPLUGIN_CNI_SOCKET "/run/netplugin/cni.sock"
#endif
#define DEADLINE_MS "60000"
#define DEADLINE_S 65 /* a little more: netplugin says itself what took too long */

extern char **environ;
static char request[1 << 20], answer[1 << 20];
static size_t used, input; /* length of the request; where standard input begins in it */

/* Errors must say the version that the configuration says; of a configuration only its text is known here. */
static void print_version(void) {
  const char *at = input < used ? strstr(request + input, "\"cniVersion\"") : NULL;
  at = at ? strchr(at + 12, '"') : NULL;
  size_t length = at ? strspn(at + 1, "0123456789.") : 0;
  if (length > 0 && length < 16) printf("%.*s", (int)length, at + 1);
  else printf("1.0.0");
}

static int fail(int code, const char *msg, const char *details) {
  printf("{\"cniVersion\":\"");
  print_version();
  printf("\",\"code\":%d,\"msg\":\"%s\",\"details\":\"%s\"}\n", code, msg, details);
  return 1;
}

static int add(const char *text) { /* with the NUL that ends it */
  size_t length = strlen(text) + 1;
  if (length > sizeof request - 1 - used) return 0;
  memcpy(request + used, text, length);
  used += length;
  return 1;
}

/* Bytes read until the end, or -1; `room` bytes mean that there may be more. */
static ssize_t read_all(int fd, char *into, size_t room) {
  size_t length = 0;
  while (length < room) {
    ssize_t got = read(fd, into + length, room - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    length += (size_t)got;
  }
  return (ssize_t)length;
}

static int write_all(int fd, const char *from, size_t length) {
  while (length > 0) {
    ssize_t put = write(fd, from, length);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return 0;
    from += put;
    length -= (size_t)put;
  }
  return 1;
}

int main(void) {
  int fits = add("CNI1") && add("NETPLUGIN_DEADLINE_MS=" DEADLINE_MS);
  for (char **entry = environ; fits && *entry; entry++)
    if (strncmp(*entry, "CNI_", 4) == 0) fits = add(*entry);
  if (!fits || !add("")) return fail(4, "the CNI_ variables of the environment have more than 1 MiB", "");
  input = used;
  ssize_t got = read_all(STDIN_FILENO, request + used, sizeof request - 1 - used);
  if (got < 0) return fail(5, "cannot read the network configuration from standard input", strerror(errno));
  used += (size_t)got;
  if (used == sizeof request - 1) return fail(6, "the network configuration has more than 1 MiB", "");

  const char *path = getenv("NETPLUGIN_CNI_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL || *path == 0) path = NETPLUGIN_CNI_SOCKET;
  if (strlen(path) >= sizeof address.sun_path) return fail(4, "NETPLUGIN_CNI_SOCKET is longer than a socket's path", "");
  strcpy(address.sun_path, path);
  signal(SIGPIPE, SIG_IGN);
  struct timeval limit = {.tv_sec = DEADLINE_S};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(5, "cannot make a socket", strerror(errno));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return fail(11, "netplugin does not run on this host: start it, then try again", strerror(errno));
  /* With the NUL that ends it. One that gives up reading may have answered all the same. */
  write_all(fd, request, used + 1);
  ssize_t length = read_all(fd, answer, sizeof answer);
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return fail(11, "netplugin did not answer in time: see its log, then try again", "");
  if (length < 2 || answer[1] != '\n' || length == sizeof answer)
    return fail(11, "netplugin ended while it worked on this call: try again", length < 0 ? strerror(errno) : "");
  if (!write_all(STDOUT_FILENO, answer + 2, (size_t)length - 2)) return 1;
  return answer[0] == '0' ? 0 : 1;
}
