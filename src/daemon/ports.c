/* Which ports a home listens on. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/home.h"

enum { CONFIG_CAP = 1 << 16, TRIES = 64 };

/* Ports above 1023 that Node's fetch and browsers refuse (Fetch standard, "bad port"). */
static const uint16_t bad_ports[] = {
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,  6000,
    6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
};

bool ia_port_is_bad(uint16_t port)
{
  for (unsigned i = 0; i < IA_COUNT(bad_ports); i++)
    if (bad_ports[i] == port)
      return true;
  return port < 1024;
}

static int bound(uint16_t port, uint16_t *got)
{
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  socklen_t len = sizeof(at);
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0)
    return -1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
      getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
    close(fd);
    return -1;
  }
  *got = ntohs(at.sin_port);
  return fd;
}

static bool is_free(uint16_t port)
{
  uint16_t got;
  ia_autoclose int fd = bound(port, &got);

  return fd >= 0;
}

static bool free_port(uint16_t *out, const uint16_t *taken, unsigned n, ia_err *e)
{
  for (unsigned i = 0; i < TRIES; i++) {
    ia_autoclose int fd = bound(0, out);
    bool clash = fd < 0 || ia_port_is_bad(*out);

    for (unsigned k = 0; k < n; k++)
      clash |= taken[k] == *out;
    if (!clash)
      return true;
  }
  return ia_fail(e, IA_E_UNAVAILABLE, "no free port");
}

static bool ports_of(ia_ports *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *config = ia_json_parse(text, 0, e);
  uint64_t front, sms, scheduler;
  json_t *ports;

  if (!config || !ia_json_get_obj(config, "ports", &ports, e) ||
      !ia_json_get_u64(ports, "front", &front, e) || !ia_json_get_u64(ports, "sms", &sms, e) ||
      !ia_json_get_u64(ports, "scheduler", &scheduler, e))
    return false;
  if (front > UINT16_MAX || sms > UINT16_MAX || scheduler > UINT16_MAX)
    return ia_fail(e, IA_E_PARSE, "there is no such port");
  *out = (ia_ports){(uint16_t)front, (uint16_t)sms, (uint16_t)scheduler};
  return true;
}

/* *there: there is a configuration; the ports are then its. */
static bool stored(ia_ports *out, bool *there, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  *there = access(path, F_OK) == 0;
  if (!*there)
    return true;
  if (!ia_file_read(&text, path, CONFIG_CAP, e))
    return false;
  if (ports_of(out, ia_buf_view(&text), e))
    return true;
  ia_wrap(e, "%s", path);
  return ia_hint(e, "without that file ports are chosen anew");
}

static bool from_number(ia_ports *out, const char *text, ia_err *e)
{
  char *end;
  unsigned long n = strtoul(text, &end, 10);

  if (text[0] < '0' || text[0] > '9' || *end || n > UINT16_MAX - 2)
    return ia_fail(e, IA_E_USAGE, "--port: \"%s\" is not a port", text);
  for (unsigned i = 0; i < 3; i++)
    if (ia_port_is_bad((uint16_t)(n + i)))
      return ia_fail(e, IA_E_USAGE, "--port: clients refuse port %lu", n + i);
  *out = (ia_ports){(uint16_t)n, (uint16_t)(n + 1), (uint16_t)(n + 2)};
  return true;
}

static bool free_ports(ia_ports *out, bool there, ia_err *e)
{
  uint16_t p[3];

  if (there && is_free(out->front) && is_free(out->sms) && is_free(out->scheduler))
    return true;
  for (unsigned i = 0; i < 3; i++)
    if (!free_port(&p[i], p, i, e))
      return false;
  *out = (ia_ports){p[0], p[1], p[2]};
  return true;
}

bool ia_home_ports(ia_ports *out, const ia_home *h, const char *text, ia_err *e)
{
  IA_AUTOV(ia_buf) json = {0};
  bool there, ok = true;
  ia_path p;

  if (!ia_path_join(&p, e, "%s/config.json", h->dir.s) || !stored(out, &there, p.s, e))
    return false;
  if (text && strcmp(text, "0") == 0)
    ok = free_ports(out, there, e);
  else if (text || !there)
    ok = from_number(out, text ? text : "7400", e);
  if (!ok)
    return false;
  IA_AUTO_JSON *config = json_pack("{s:{s:i, s:i, s:i}}", "ports", "front", out->front, "sms",
                                   out->sms, "scheduler", out->scheduler);
  return config ? ia_json_write(&json, config, e) && ia_file_write(p.s, ia_buf_view(&json), 0600, e)
                : ia_fail(e, IA_E_MEMORY, "out of memory");
}
