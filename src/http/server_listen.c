/* Listening sockets. Beyond loopback only with TLS, or where the operator says that TLS ends before
 * us (docs/architecture.md 12). */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "http/server_int.h"

typedef union address {
  struct sockaddr sa;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un un;
  struct sockaddr_storage any;
} address;

/* A socket file that nobody listens on is what a killed process left. */
static bool clear_stale(const address *a, ia_err *e)
{
  struct stat st;

  if (lstat(a->un.sun_path, &st) != 0)
    return true;
  if (!S_ISSOCK(st.st_mode))
    return ia_fail(e, IA_E_EXISTS, "%s is there and is no socket", a->un.sun_path);
  ia_autoclose int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return ia_fail_errno(e, "socket");
  if (connect(probe, &a->sa, sizeof(a->un)) == 0)
    return ia_fail(e, IA_E_EXISTS, "another process listens on %s", a->un.sun_path);
  if (unlink(a->un.sun_path) != 0)
    return ia_fail_errno(e, "%s", a->un.sun_path);
  return true;
}

static bool listen_unix(int *out, ia_server *s, const char *path, ia_err *e)
{
  address a = {.un = {.sun_family = AF_UNIX}};

  if (strlen(path) >= sizeof(a.un.sun_path))
    return ia_fail(e, IA_E_INVALID, "socket path too long: %s", path);
  memcpy(a.un.sun_path, path, strlen(path));
  if (!clear_stale(&a, e))
    return false;
  ia_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, &a.sa, sizeof(a.un)) != 0)
    return ia_fail_errno(e, "%s", path);
  s->unix_path = strdup(path);
  if (!s->unix_path)
    return ia_fail(e, IA_E_MEMORY, "no memory for a path");
  /* nobody can connect before listen */
  if (chmod(path, 0600) != 0 || listen(fd, SOMAXCONN) != 0)
    return ia_fail_errno(e, "%s", path);
  s->loopback = true;
  *out = ia_steal_fd(&fd);
  return true;
}

static bool parse_host(address *a, socklen_t *len, bool *loopback, const char *host, uint16_t port)
{
  *a = (address){0};
  if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
    a->v4.sin_family = AF_INET;
    a->v4.sin_port = htons(port);
    *len = sizeof(a->v4);
    *loopback = ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
    return true;
  }
  if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
    a->v6.sin6_family = AF_INET6;
    a->v6.sin6_port = htons(port);
    *len = sizeof(a->v6);
    *loopback = IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
    return true;
  }
  return false;
}

static bool bind_tcp(int *out, address *a, socklen_t len, const char *host, uint16_t port,
                     ia_err *e)
{
  int one = 1;
  ia_autoclose int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0)
    return ia_fail_errno(e, "socket");
  if (bind(fd, &a->sa, len) != 0 || listen(fd, SOMAXCONN) != 0)
    return ia_fail_errno(e, "port %u on %s", port, host);
  *out = ia_steal_fd(&fd);
  return true;
}

bool ia_listen_hold(int *fd, const char *host, uint16_t port, ia_err *e)
{
  bool loopback;
  address a;
  socklen_t len;

  if (!host)
    host = "127.0.0.1";
  return (parse_host(&a, &len, &loopback, host, port) ||
          ia_fail(e, IA_E_INVALID, "%s: want an address in digits", host)) &&
         bind_tcp(fd, &a, len, host, port, e);
}

static bool listen_tcp(int *out, ia_server *s, const ia_listen *at, const char *host, ia_err *e)
{
  ia_autoclose int fd = -1;
  address a;
  socklen_t len;

  if (!parse_host(&a, &len, &s->loopback, host, at->port))
    return ia_fail(e, IA_E_INVALID, "%s: want an address in digits", host);
  if (!s->loopback && !at->tls_cert && !at->behind_tls_proxy) {
    (void)ia_fail(e, IA_E_INVALID, "refusing to listen on %s without TLS", host);
    return ia_hint(e, "give --tls-cert and --tls-key, or --behind-tls-proxy");
  }
  if (at->held > 0)
    fd = fcntl(at->held, F_DUPFD_CLOEXEC, 3);
  else if (!bind_tcp(&fd, &a, len, host, at->port, e))
    return false;
  if (fd < 0 || getsockname(fd, &a.sa, &len) != 0)
    return ia_fail_errno(e, "port %u on %s", at->port, host);
  s->port = ntohs(a.sa.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
  int n =
      snprintf(s->url, sizeof(s->url), a.sa.sa_family == AF_INET ? "%s://%s:%u" : "%s://[%s]:%u",
               at->tls_cert ? "https" : "http", host, s->port);
  if (n < 0 || (size_t)n >= sizeof(s->url))
    return ia_fail(e, IA_E_INVALID, "%s: too long", host);
  *out = ia_steal_fd(&fd);
  return true;
}

bool ia_listen_open(int *fd, ia_server *s, const ia_listen *at, ia_err *e)
{
  if (at->unix_path)
    return listen_unix(fd, s, at->unix_path, e);
  return listen_tcp(fd, s, at, at->host ? at->host : "127.0.0.1", e);
}
