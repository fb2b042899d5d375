/* Meets one wall of the sandbox, or leaves one kind of bad output, by its first argument. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT "/iexec_out/"

static int put(const char *path, const char *text)
{
  FILE *f = fopen(path, "w");

  if (!f)
    return perror(path), 1;
  fputs(text, f);
  return fclose(f) == 0 ? 0 : 1;
}

static int connect_out(void)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  (void)inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
    return perror("connect"), 1;
  return 0;
}

static int fill(void)
{
  static char piece[1 << 20];
  char name[32];

  for (int i = 0; i < 100; i++) {
    (void)snprintf(name, sizeof(name), "/tmp/%d", i);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, piece, sizeof(piece)) != (ssize_t)sizeof(piece)) {
      errno = errno ? errno : ENOSPC;
      return perror("/tmp"), 1;
    }
    close(fd);
  }
  return 0;
}

static int computed(const char *text)
{
  return put(OUT "computed.json", text);
}

int main(int argc, char **argv)
{
  const char *wall = argc > 1 ? argv[1] : "";
#define IS(name) (strcmp(wall, name) == 0)

  if (IS("network"))
    return connect_out();
  if (IS("caught-network"))
    return (void)connect_out(), put(OUT "result.txt", "done without it");
  if (IS("write"))
    return put("/cache", "x");
  if (IS("fill"))
    return fill();
  if (IS("nothing"))
    return 0;
  if (IS("json"))
    return computed("{");
  if (IS("number"))
    return computed("{\"deterministic-output-path\":1}");
  if (IS("outside"))
    return computed("{\"deterministic-output-path\":\"/etc/passwd\"}");
  if (IS("members"))
    return computed("{}");
  if (IS("absent"))
    return computed("{\"deterministic-output-path\":\"/iexec_out/result.txt\"}");
  if (IS("empty"))
    return put(OUT "result.txt", "") |
           computed("{\"deterministic-output-path\":\"/iexec_out/result.txt\"}");
  if (IS("folder"))
    return mkdir(OUT "d", 0755) | computed("{\"deterministic-output-path\":\"/iexec_out/d\"}");
  if (IS("callback"))
    return computed("{\"callback-data\":\"0x00\"}");
  if (IS("callback-digits"))
    return computed("{\"callback-data\":\"zz\"}");
  if (IS("long-name"))
    return put(OUT "a-name-of-more-than-thirty-one-bytes.txt", "x");
  if (IS("reserved"))
    return put(OUT ".iapp-blind", "x");
  return put(OUT "result.txt", wall);
}
