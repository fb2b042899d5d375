/* What this home remembers of the grants that it signed. */
#include "cli/grant_notes.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "eth/address.h"

enum { FILE_CAP = 16 << 20 };

static bool path_of(ia_cli *c, ia_path *out, const ia_addr *dataset, ia_err *e)
{
  ia_path dir;

  return ia_path_join(&dir, e, "%s/grants", ia_cli_home(c)) && ia_mkdirs(dir.s, 0700, e) &&
         ia_path_join(out, e, "%s/%s.json", dir.s, ia_addr_text(dataset).s);
}

bool ia_cli_grant_note_add(json_t *notes, const json_t *order, const json_t *asked,
                           const json_t *terms, bool published, ia_err *e)
{
  json_t *note =
      json_pack("{s:O, s:o, s:o, s:b, s:b}", "order", order, "asked",
                asked ? json_deep_copy(asked) : json_null(), "terms",
                terms ? json_deep_copy(terms) : json_null(), "published", published, "revoked", 0);

  return json_array_append_new(notes, note) == 0 || ia_fail(e, IA_E_MEMORY, "out of memory");
}

/* An order without more, as older versions noted it: published, without terms. */
static bool take(json_t *notes, const json_t *item, ia_err *e)
{
  if (!json_object_get(item, "order"))
    return ia_cli_grant_note_add(notes, item, NULL, NULL, true, e);
  return json_array_append(notes, (json_t *)(uintptr_t)item) == 0 ||
         ia_fail(e, IA_E_MEMORY, "out of memory");
}

json_t *ia_cli_grant_notes(ia_cli *c, const ia_addr *dataset, ia_err *e)
{
  IA_AUTO_JSON *all = json_array(), *file = NULL;
  IA_AUTOV(ia_buf) text = {0};
  const json_t *item;
  ia_path path;
  size_t i;

  if (!all || !path_of(c, &path, dataset, e))
    return NULL;
  if (access(path.s, F_OK) != 0)
    return json_incref(all);
  if (!ia_file_read(&text, path.s, FILE_CAP, e) ||
      !(file = ia_json_parse(ia_buf_view(&text), 0, e)) ||
      (!json_is_array(file) && !ia_fail(e, IA_E_PARSE, "not a list of grants"))) {
    (void)ia_wrap(e, "%s", path.s);
    return NULL;
  }
  json_array_foreach (file, i, item)
    if (!take(all, item, e))
      return NULL;
  return json_incref(all);
}

bool ia_cli_grant_notes_save(ia_cli *c, const ia_addr *dataset, const json_t *notes, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path path;

  return path_of(c, &path, dataset, e) && ia_json_write(&text, notes, e) &&
         ia_file_write(path.s, ia_buf_view(&text), 0600, e);
}

json_t *ia_cli_grant_note_of(const json_t *notes, const ia_h256 *separator, const ia_h256 *order)
{
  json_t *note;
  size_t i;

  json_array_foreach ((json_t *)(uintptr_t)notes, i, note) {
    IA_AUTOV(ia_order_box) box = {0};
    ia_h256 hash;

    if (!ia_order_parse(&box, IA_ORDER_DATASET, json_object_get(note, "order"), NULL))
      continue;
    ia_order_hash(&hash, separator, IA_ORDER_DATASET, &box.order.dataset);
    if (ia_h256_eq(&hash, order))
      return note;
  }
  return NULL;
}
