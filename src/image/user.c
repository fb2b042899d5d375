/* USER of an image: numbers, or names of the image's own /etc/passwd and /etc/group. */
#include <stdio.h>
#include <stdlib.h>

#include "image/run.h"

enum { FIELDS = 7, NUMBER_MAX = 2147483647 /* as container engines take it */ };

/* Splits a line of either file; false at the end of the text. Fields that are missing are "". */
typedef struct record {
  char line[4096];
  const char *f[FIELDS];
} record;

static bool next_record(record *r, const char **text)
{
  if (!**text)
    return false;
  size_t n = strcspn(*text, "\n");
  const char *from = *text;

  *text += n + ((*text)[n] == '\n');
  n = n < sizeof(r->line) ? n : 0; /* a longer one names nobody */
  memcpy(r->line, from, n);
  r->line[n] = '\0';
  char *at = r->line;
  for (size_t i = 0; i < FIELDS; i++) {
    char *field = at ? strsep(&at, ":") : NULL;

    r->f[i] = field ? field : "";
  }
  return true;
}

static bool number(uint32_t *out, const char *text)
{
  size_t n = strlen(text);

  if (n == 0 || n > 10 || strspn(text, "0123456789") != n || strtoull(text, NULL, 10) > NUMBER_MAX)
    return false;
  *out = (uint32_t)strtoull(text, NULL, 10);
  return true;
}

/* The entry of a name, or of a uid; *name is the account's, for its groups. */
static bool find_user(ia_image_run *out, const char *user, const char *passwd, char name[256])
{
  ia_autofree record *r = malloc(sizeof(*r));
  uint32_t want = 0, uid, gid;
  bool numeric = number(&want, user);

  for (int round = 0; r && round < 2; round++) { /* a name goes before a number */
    const char *at = passwd;

    while (next_record(r, &at)) {
      if (!number(&uid, r->f[2]) || !number(&gid, r->f[3]) || strlen(r->f[0]) > 255 || !r->f[0][0])
        continue;
      if (round == 0 ? strcmp(r->f[0], user) != 0 : !numeric || uid != want)
        continue;
      out->uid = uid;
      out->gid = gid;
      (void)snprintf(name, 256, "%s", r->f[0]);
      return true;
    }
  }
  out->uid = want;
  return numeric || strcmp(user, "root") == 0;
}

static bool find_group(ia_image_run *out, const char *name, const char *group)
{
  ia_autofree record *r = malloc(sizeof(*r));
  uint32_t gid;

  while (r && next_record(r, &group)) {
    if (strcmp(r->f[0], name) == 0 && name[0] && number(&gid, r->f[2])) {
      out->gid = gid;
      return true;
    }
  }
  if (strcmp(name, "root") == 0) {
    out->gid = 0;
    return true;
  }
  return number(&out->gid, name);
}

static bool is_member(const char *list, const char *name)
{
  size_t n = strlen(name);

  for (; *list; list += strcspn(list, ","), list += *list == ',')
    if (strcspn(list, ",") == n && strncmp(list, name, n) == 0)
      return true;
  return false;
}

static void member_groups(ia_image_run *out, const char *name, const char *group)
{
  ia_autofree record *r = malloc(sizeof(*r));
  uint32_t gid;

  while (r && name[0] && next_record(r, &group))
    if (out->n_groups < IA_IMAGE_GROUPS && is_member(r->f[3], name) && number(&gid, r->f[2]) &&
        gid != out->gid)
      out->groups[out->n_groups++] = gid;
}

bool ia_image_user(ia_image_run *out, const char *user, const char *passwd, const char *group,
                   ia_err *e)
{
  char first[256] = "", name[256] = "";
  const char *colon = strchr(user, ':');
  size_t n = colon ? (size_t)(colon - user) : strlen(user);

  out->uid = out->gid = 0;
  out->n_groups = 0;
  if (n >= sizeof(first))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "USER %.40s..: the name is too long", user);
  memcpy(first, user, n);
  first[n] = '\0';
  if (n > 0 && !find_user(out, first, passwd, name)) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "USER %.60s: not in /etc/passwd of the image", user);
    return ia_hint(e, "add the user in the image (RUN adduser ..), or give a number: USER 1000");
  }
  if (colon && colon[1]) {
    if (find_group(out, colon + 1, group))
      return true;
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "USER %.60s: the group is not in /etc/group of the image",
                  user);
    return ia_hint(e, "add the group in the image (RUN addgroup ..), or give a number: 1000:1000");
  }
  member_groups(out, name, group);
  return true;
}
