/* The project that build, test and deploy work on, and the store that its images are in. */
#ifndef IA_CLI_PROJECT_H
#define IA_CLI_PROJECT_H

#include "cli/cli.h"
#include "image/build.h"

typedef struct ia_project {
  const char *dir;      /* borrowed from the frame; outside a project a folder of HOME's */
  ia_path outside;      /* that folder */
  const json_t *config; /* iapp.config.json, borrowed; NULL outside a project */
  char *name;           /* projectName, for labels and the ledger */
  char *file_name;      /* the same as a file's name */
  ia_lang lang;
  const char **debian;    /* debianPackages, NULL-ended; points into the configuration */
  const char **libraries; /* libraries, likewise */
  const char **absent;    /* absentLibraries, likewise */
  const json_t *content;  /* contentInputs, or NULL; borrowed from the configuration */
  uint64_t memory;        /* that the app asks for, bytes; 0 = it says nothing */
  ia_images *images;      /* HOME/bases */
  ia_path cache;
} ia_project;

/* With --image it need not be a project that we are in: name and folder come from the archive's
 * name then. */
IA_MUST bool ia_project_open(ia_project *p, ia_cli *c, ia_err *e);
void ia_project_close(ia_project *p);
IA_DEFINE_AUTO_VALUE(ia_project, ia_project_close)

/* Of the verbs that make the image that is deployed; `iapp test` takes the run's. */
#define IA_MEMORY_OPTION(verb)                                                                     \
  {                                                                                                \
    "memory", "SIZE", false,                                                                       \
        "memory that the app asks for (\"memory\" of iapp.config.json, or 1G)",                    \
        verb " --memory 2G"                                                                        \
  }
/* Options that every verb takes which builds. */
#define IA_BUILD_OPTIONS(verb)                                                                     \
  {"image", "FILE", false, "an OCI layout (folder or tar) or docker archive instead of a build",   \
   verb " --image ./app.tar"},                                                                     \
      {"tag", "NAME", false, "which image of --image, where it holds several (name or digest)",    \
       verb " --image ./images.tar --tag app:1.0"},                                                \
      {"no-cache", NULL, false, "make the base layer anew", verb " --no-cache"},                   \
  {                                                                                                \
    "update-lock", NULL, false, "take the newest packages and write iapp.lock anew",               \
        verb " --update-lock"                                                                      \
  }
/* --memory of the verb in the place of the configuration's. USAGE beside --image. */
IA_MUST bool ia_project_memory(ia_cli *c, ia_project *p, ia_err *e);
/* Builds by these options, or takes the given archive in; says what it does. */
IA_MUST bool ia_project_build(ia_cli *c, ia_project *p, ia_h256 *image, ia_err *e);
/* PROJECT/.iapp/<name>.oci.tar, replaced whole. */
IA_MUST bool ia_project_archive(ia_project *p, const ia_h256 *image, ia_path *path, uint64_t *size,
                                ia_err *e);

/* The iapp-guest beside this program. */
IA_MUST bool ia_guest_path(ia_path *out, ia_err *e);

#endif
