/* Which of several images is meant, by name and by platform. */
#include "image/names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_ROOM = 300, LIST_ROOM = 120 };

/* "docker.io/library/a" and "a:latest" are the same name. */
static void full_name(char out[NAME_ROOM], const char *name)
{
  static const char *const hosts[] = {"docker.io/library/", "docker.io/",
                                      "index.docker.io/library/", "localhost/"};
  const char *slash;

  for (size_t i = 0; i < IA_COUNT(hosts); i++)
    if (strncmp(name, hosts[i], strlen(hosts[i])) == 0) {
      name += strlen(hosts[i]);
      break;
    }
  slash = strrchr(name, '/');
  bool tagged = strchr(slash ? slash : name, ':') != NULL || strchr(name, '@') != NULL;
  (void)snprintf(out, NAME_ROOM, "%.250s%s", name, tagged ? "" : ":latest");
}

bool ia_image_name_is(const char *name, const char *ref)
{
  char a[NAME_ROOM], b[NAME_ROOM];

  if (!name || !name[0])
    return false;
  full_name(a, name);
  full_name(b, ref);
  return strcmp(name, ref) == 0 || strcmp(a, b) == 0;
}

void ia_image_names_add(ia_image_names *l, const char *name)
{
  size_t n = strlen(l->text);

  if (!name || !name[0])
    return;
  l->n++;
  if (n + strlen(name) + 3 < LIST_ROOM)
    (void)snprintf(l->text + n, sizeof(l->text) - n, "%s%s", n ? ", " : "", name);
  else if (n + 5 < sizeof(l->text) && !strstr(l->text, " .."))
    (void)snprintf(l->text + n, sizeof(l->text) - n, " ..");
}

bool ia_image_names_hint(const ia_image_names *l, ia_err *e)
{
  return l->n > 0 ? ia_hint(e, "--tag NAME, one of: %s", l->text)
                  : ia_hint(e, "write the image alone: docker save -o app.tar NAME:TAG");
}

/* -- platforms: GOOS and GOARCH values, and the names that some tools write instead -- */
bool ia_image_platform_fits(const char *os, const char *arch)
{
  static const char *const ours[] = {"", "amd64", "x86_64", "x86-64"};
  bool known = false;

  for (size_t i = 0; i < IA_COUNT(ours); i++)
    known |= strcasecmp(arch, ours[i]) == 0;
  return known && (!os[0] || strcasecmp(os, "linux") == 0);
}
