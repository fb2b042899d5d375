/* The image of the task: every blob from the host checked by digest, unpacked into our own memory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/size.h"
#include "guest/agent_internal.h"

static bool open_blob(void *arg, const ia_h256 *digest, int *fd, ia_err *e)
{
  const char *dir = arg;
  ia_path p;

  if (!ia_path_join(&p, e, "%s/blobs/sha256/%s", dir, ia_h256_text(digest).s + 2))
    return false;
  *fd = open(p.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  return *fd >= 0 || ia_fail_errno(e, "image blob");
}

static void drop(ia_agent *a)
{
  if (a->root[0])
    (void)!ia_remove_tree(a->root, NULL);
  ia_oci_config_free(a->config);
  a->config = NULL;
  a->root[0] = '\0';
  a->loaded = false;
}

/* Our folder is full: how much the image takes, and how much there is. */
static bool too_large(const ia_agent *a, const ia_h256 *image, ia_err *e)
{
  const ia_oci_limits limits = ia_oci_limits_default();
  char *images = (char *)(uintptr_t)a->spec->images;
  ia_oci_usage need = {0};
  struct statvfs v;

  if (statvfs(a->spec->data, &v) != 0)
    return ia_fail_errno(e, "folder of the image");
  if (!ia_oci_image_measure(&need, image, open_blob, images, &limits, e))
    return false;
  return ia_fail(
      e, IA_E_TOO_LARGE,
      "image: %llu bytes in %llu files unpacked; an enclave of this worker has %llu bytes",
      (unsigned long long)need.unpacked, (unsigned long long)need.entries,
      (unsigned long long)v.f_blocks * v.f_frsize);
}

bool ia_agent_image(ia_agent *a, const ia_h256 *image, ia_err *e)
{
  const ia_oci_limits limits = ia_oci_limits_default();
  char *images = (char *)(uintptr_t)a->spec->images;

  if (a->loaded && ia_h256_eq(&a->image, image))
    return true;
  drop(a);
  (void)snprintf(a->root, sizeof(a->root), "%.40s/root-%u", a->spec->data, a->roots++);
  if (mkdir(a->root, 0755) != 0)
    return ia_fail_errno(e, "folder of the image");
  ia_autoclose int fd = open(a->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return ia_fail_errno(e, "folder of the image");
  if (!ia_oci_image_load(&a->config, image, fd, open_blob, images, &limits, e)) {
    drop(a);
    return e && e->code == IA_E_DISK_FULL ? too_large(a, image, e) : false;
  }
  const ia_image_view view = ia_image_view_folder(&fd);
  if (!ia_image_run_of(&a->place, &view, a->config, e)) {
    drop(a);
    return false;
  }
  a->image = *image;
  a->loaded = true;
  return true;
}

bool ia_agent_memory(ia_agent *a, uint64_t requested, ia_err *e)
{
  uint64_t own = a->config->memory;

  a->memory = own > requested ? own : requested;
  a->memory = a->memory ? a->memory : IA_APP_MEMORY;
  if (a->memory <= a->spec->memory_max)
    return true;
  return ia_fail(e, IA_E_NO_RESOURCES, "%s asks for %s of memory; this %s offers %s to an app",
                 own > requested ? "the app" : "the run", ia_size_show(a->memory).s,
                 a->spec->local ? "machine" : "worker", ia_size_show(a->spec->memory_max).s);
}
