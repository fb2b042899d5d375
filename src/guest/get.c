/* One protected value. */
#include "guest/get.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "data/plain.h"

static bool archive_path(ia_path *out, const char *n, ia_err *e)
{
  const char *dir = getenv("IEXEC_IN"), *file;
  char name[48];

  if (n && (strlen(n) > 4 || strspn(n, "0123456789") != strlen(n) || n[0] == '0' || !n[0]))
    return ia_fail(e, IA_E_USAGE, "number of a dataset: from 1");
  (void)snprintf(name, sizeof(name), n ? "IEXEC_DATASET_%s_FILENAME" : "IEXEC_DATASET_FILENAME", n);
  file = getenv(name);
  if (!dir || !file)
    return ia_fail(e, IA_E_NOT_FOUND, "Missing protected data");
  (void)snprintf(name, sizeof(name), "IEXEC_DATASET_%s_REFUSED", n ? n : "");
  if (n && getenv(name))
    return ia_fail(e, IA_E_FORBIDDEN, "Protected data %s are not open to this run: %.40s", n,
                   getenv(name));
  (void)snprintf(name, sizeof(name), "IEXEC_DATASET_%s_FAILED", n ? n : "");
  if (n && getenv(name))
    return ia_fail(e, IA_E_NOT_FOUND, "Protected data %s cannot be used: %.40s", n, getenv(name));
  return ia_path_join(out, e, "%s/%s", dir, file);
}

bool ia_guest_get(ia_buf *out, const char *path, const char *n, ia_err *e)
{
  IA_AUTO(ia_zip) *zip = NULL;
  IA_AUTOV(ia_value) value = {0};
  ia_path archive;
  ia_blob blob;
  char name[512];
  size_t len = strlen(path);

  if (!archive_path(&archive, n, e))
    return false;
  ia_autoclose int fd = open(archive.s, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || !ia_blob_fd(&blob, fd, NULL) || !ia_zip_open(&zip, blob, IA_ZIP_PROTECTED, NULL))
    return ia_fail(e, IA_E_BAD_ZIP, "Failed to load protected data");
  if (len >= sizeof(name))
    return ia_fail(e, IA_E_NO_ENTRY, "Failed to load path %.100s", path);
  for (size_t i = 0; i <= len; i++)
    name[i] = path[i] == '.' ? '/' : path[i];
  const ia_zip_entry *entry = ia_zip_find(zip, name);
  if (!entry || entry->folder)
    return ia_fail(e, IA_E_NO_ENTRY, "Failed to load path %.100s", path);
  return ia_read_entry(&value, zip, entry, ia_plain_type(zip, entry), 0, e) &&
         ia_value_plain(out, &value, e);
}
