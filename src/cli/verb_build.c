/* iapp build: the project's image, by its lock file. */
#include "cli/project.h"

static bool build(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_project) p = {0};
  ia_h256 image;
  ia_path archive;
  uint64_t size;

  if (!ia_project_open(&p, c, e) || !ia_project_memory(c, &p, e) ||
      !ia_project_build(c, &p, &image, e) || !ia_project_archive(&p, &image, &archive, &size, e))
    return false;
  ia_cli_out(c, "%s", ia_oci_digest_format(&image).s);
  ia_cli_say(c, "archive %s (%llu bytes)\ntry it: iapp test", archive.s, (unsigned long long)size);
  return ia_cli_json(c,
                     json_pack("{s:s, s:s, s:I}", "digest", ia_oci_digest_format(&image).s,
                               "archive", archive.s, "size", (json_int_t)size),
                     e);
}

static const ia_option options[] = {IA_MEMORY_OPTION("build"), IA_BUILD_OPTIONS("build"), {0}};

const ia_verb ia_verb_build = {
    .name = "build",
    .args = "",
    .min_args = 0,
    .max_args = 0,
    .brief = "build the app's image from its sources and iapp.lock",
    .example = "build",
    .options = options,
    .run = build,
};
