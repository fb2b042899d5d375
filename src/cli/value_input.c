/* Values from the command line. */
#include "cli/value_input.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { JSON_CAP = 64 << 20 };

/* "a.b.c": the folder a/b and the key c. The parts are checked when they are added. */
static bool place(ia_node *top, ia_node **folder, char **key, char *path, ia_err *e)
{
  char *dot;

  *folder = top;
  while ((dot = strchr(path, '.'))) {
    *dot = '\0';
    if (!ia_node_folder(*folder, folder, path, e))
      return false;
    path = dot + 1;
  }
  *key = path;
  return true;
}

/* Splits KEY=REST in place; false when there is no '='. */
static bool split(char *text, char **rest)
{
  char *eq = strchr(text, '=');

  if (!eq)
    return false;
  *eq = '\0';
  *rest = eq + 1;
  return true;
}

static bool add_file(ia_node *folder, const char *key, const char *path, ia_err *e)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0)
    return ia_fail_errno(e, "%s", path);
  return ia_node_add_file(folder, key, fd, e) || ia_wrap(e, "%s", path);
}

static bool add_pair(ia_node *top, const char *arg, ia_err *e)
{
  ia_autofree char *text = strdup(arg);
  char *value = NULL, *key;
  ia_node *folder;

  if (!text || !split(text, &value))
    return ia_fail(e, IA_E_MEMORY, "no memory for an argument");
  if (!place(top, &folder, &key, text, e))
    return false;
  return value[0] == '@' ? add_file(folder, key, value + 1, e)
                         : ia_node_add_string(folder, key, ia_span_str(value), e);
}

static bool read_text(ia_buf *out, const char *path, ia_err *e)
{
  if (strcmp(path, "-") == 0)
    return ia_fd_read_all(out, STDIN_FILENO, JSON_CAP, e) || ia_wrap(e, "standard input");
  return ia_file_read(out, path, JSON_CAP, e);
}

static bool add_json(ia_node *top, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.secret = true, .cap = JSON_CAP + (1 << 20)};

  return read_text(&text, path, e) &&
         (ia_node_merge_json(top, ia_buf_view(&text), e) || ia_wrap(e, "%s", path));
}

static bool add_json_string(ia_node *top, const char *opt, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.secret = true, .cap = JSON_CAP + (1 << 20)};
  ia_autofree char *copy = strdup(opt);
  char *path, *key;
  ia_node *folder;

  if (!copy || !split(copy, &path))
    return ia_fail(e, IA_E_USAGE, "--json-string wants KEY=FILE");
  if (!place(top, &folder, &key, copy, e) || !ia_file_read(&text, path, JSON_CAP, e))
    return false;
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), IA_JSON_ANY | IA_JSON_ALLOW_NUL, e);
  if (!v)
    return ia_wrap(e, "%s", path);
  return ia_node_add_string(folder, key, ia_buf_view(&text), e);
}

static bool set_type(ia_node *top, const char *opt, ia_err *e)
{
  ia_autofree char *copy = strdup(opt);
  char *name, *key;
  ia_node *folder;
  ia_type type;

  if (!copy || !split(copy, &name))
    return ia_fail(e, IA_E_USAGE, "--type wants KEY=TYPE");
  if (!ia_type_parse(&type, name))
    return ia_fail(e, IA_E_UNKNOWN_TYPE, "no type \"%.64s\"", name);
  return place(top, &folder, &key, copy, e) && ia_node_set_type(folder, key, type, e);
}

bool ia_value_input(ia_cli *c, ia_node **out, ia_err *e)
{
  IA_AUTO(ia_node) *top = NULL;
  const char *opt;

  if (!ia_node_new(&top, e))
    return false;
  for (unsigned i = 0; i < ia_cli_n_args(c); i++) {
    const char *arg = ia_cli_arg(c, i);

    if (!(strchr(arg, '=') ? add_pair(top, arg, e) : add_json(top, arg, e)))
      return false;
  }
  for (unsigned i = 0; (opt = ia_cli_opt_at(c, "json-string", i)); i++)
    if (!add_json_string(top, opt, e))
      return false;
  for (unsigned i = 0; (opt = ia_cli_opt_at(c, "type", i)); i++)
    if (!set_type(top, opt, e))
      return false;
  *out = ia_steal(&top);
  return true;
}

bool ia_value_write(const ia_node *value, const char *path, uint64_t *size, ia_err *e)
{
  IA_AUTOV(ia_draft) d = {.fd = -1};
  ia_path dir;
  ia_blob blob;

  if (!ia_path_parent(&dir, path, e) || !ia_draft_open(&d, dir.s, 0600, e))
    return false;
  if (!ia_node_zip(value, ia_sink_fd(&d.fd), e) || !ia_blob_fd(&blob, d.fd, e))
    return ia_wrap(e, "%s", path);
  *size = blob.size;
  return ia_draft_place(&d, path, true, e);
}
