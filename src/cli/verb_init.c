/* iapp init: a project that builds and runs as it stands. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/init_files.h"
#include "data/node.h"

static const struct lang_row {
  const char *name; /* --lang, and the template's name */
  const char *word; /* in iapp.config.json */
  const char *main;
} langs[] = {
    {"c", "C", "src/app.c"},
    {"sh", "Shell", "src/app.sh"},
    {"js", "JavaScript", "src/app.js"},
    {"python", "Python", "src/app.py"},
};

typedef struct initing {
  char *name;
  ia_path dir;
  const struct lang_row *lang;
  unsigned features;
} initing;

static void initing_free(initing *i)
{
  free(i->name);
}
IA_DEFINE_AUTO_VALUE(initing, initing_free)

/* As the first command line has it: letters, digits, blanks, hyphens; no blank at an edge. */
static bool check_name(const char *name, ia_err *e)
{
  size_t n = strlen(name);

  if (n < 2 || n > 60 || name[0] == ' ' || name[n - 1] == ' ' || name[0] == '-' ||
      strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -") != n)
    return ia_fail(
        e, IA_E_USAGE,
        "project name: want 2 to 60 letters, digits, blanks or hyphens, no blank at the edges");
  return true;
}

static bool check_folder(initing *i, ia_err *e)
{
  struct stat st;

  if (!ia_path_join(&i->dir, e, "%s", i->name))
    return false;
  for (char *p = i->dir.s; *p; p++)
    *p = *p == ' ' ? '-' : *p;
  if (lstat(i->dir.s, &st) == 0)
    return ia_fail(e, IA_E_EXISTS,
                   "Target directory \"%s\" already exists. Remove it or choose a different name.",
                   i->dir.s);
  return true;
}

static bool choose_lang(initing *i, ia_cli *c, ia_err *e)
{
  const char *given = ia_cli_opt(c, "lang");
  ia_autofree char *asked = NULL;

  if (!given) {
    /* nothing is asked once any flag says what is wanted */
    if (ia_cli_n_args(c) == 0 && !ia_cli_opt(c, "with") &&
        !ia_cli_ask(c, &asked, "Which language do you want to use? (c, js, python, sh)", "python",
                    "--lang", e))
      return false;
    given = asked ? asked : "python";
  }
  for (size_t k = 0; k < IA_COUNT(langs); k++) {
    if (strcmp(given, langs[k].name) == 0)
      i->lang = &langs[k];
  }
  return i->lang || ia_fail(e, IA_E_USAGE, "--lang %.20s: want c, js, python or sh", given);
}

static bool choose(initing *i, ia_cli *c, ia_err *e)
{
  const char *name = ia_cli_arg(c, 0), *with = ia_cli_opt(c, "with");

  if (name || ia_cli_opt(c, "lang") || with) {
    i->name = strdup(name ? name : "hello-world");
    if (!i->name)
      return ia_fail(e, IA_E_MEMORY, "name");
  } else if (!ia_cli_ask(c, &i->name, "What's your project name?", "hello-world", "NAME", e)) {
    return false;
  }
  return check_name(i->name, e) && check_folder(i, e) && choose_lang(i, c, e) &&
         ia_features_parse(&i->features, with ? with : "", e);
}

static bool put(const initing *i, const char *name, ia_span text, mode_t mode, ia_err *e)
{
  ia_path p;

  return ia_path_join(&p, e, "%s/%s", i->dir.s, name) && ia_file_create(p.s, text, mode, e);
}

static bool put_template(const initing *i, const char *template, const char *name, ia_err *e)
{
  bool data = i->features & (IA_WITH_DATA | IA_WITH_BULK);
  const ia_template_words words = {
      .name = i->name, .main = i->lang->main, .flags = data ? " --data default" : ""};
  IA_AUTOV(ia_buf) text = {0};

  for (const ia_template *t = ia_templates; t->name; t++) {
    if (strcmp(t->name, template) == 0)
      return ia_template_fill(&text, t->text, i->features, &words, e) &&
             put(i, name, ia_buf_view(&text), 0644, e);
  }
  return ia_fail(e, IA_E_INTERNAL, "no template %s", template);
}

static bool put_config(const initing *i, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:s, s:s}", "projectName", i->name, "template", i->lang->word);
  ia_autofree char *text = v ? json_dumps(v, JSON_INDENT(2)) : NULL;
  IA_AUTOV(ia_buf) b = {0};

  if (!text)
    return ia_fail(e, IA_E_MEMORY, "configuration");
  ia_buf_printf(&b, "%s\n", text);
  return ia_buf_ok(&b, e) && put(i, "iapp.config.json", ia_buf_view(&b), 0644, e);
}

/* {"secretText":"protected data"}, as the first command line has it. */
static bool put_mocks(const initing *i, ia_err *e)
{
  static const char *const mocks[][2] = {
      {"default", "protected data"}, {"data1", "foo"}, {"data2", "bar"}};
  ia_path p;

  if (!(i->features & (IA_WITH_DATA | IA_WITH_BULK)))
    return true;
  if (!ia_path_join(&p, e, "%s/mock/protectedData", i->dir.s) || !ia_mkdirs(p.s, 0755, e))
    return false;
  for (size_t k = 0; k < IA_COUNT(mocks); k++) {
    IA_AUTO(ia_node) *top = NULL;
    IA_AUTOV(ia_buf) zip = {0};

    if (!ia_node_new(&top, e) ||
        !ia_node_add_string(top, "secretText", ia_span_str(mocks[k][1]), e) ||
        !ia_node_zip(top, ia_sink_buf(&zip), e) ||
        !ia_path_join(&p, e, "mock/protectedData/%s", mocks[k][0]) ||
        !put(i, p.s, ia_buf_view(&zip), 0644, e))
      return false;
  }
  return true;
}

static bool put_package(const initing *i, ia_err *e)
{
  static const char package[] =
      "{\n  \"private\": true,\n  \"type\": \"commonjs\",\n  \"dependencies\": {}\n}\n";

  if (strcmp(i->lang->name, "js") == 0)
    return put(i, "package.json", ia_span_str(package), 0644, e);
  if (strcmp(i->lang->name, "python") == 0)
    return put(
        i, "requirements.txt",
        ia_span_str(
            "# name==version, one a line; Debian's: \"debianPackages\" in iapp.config.json\n"),
        0644, e);
  return true;
}

static bool make(const initing *i, ia_err *e)
{
  ia_path src;

  return ia_path_join(&src, e, "%s/src", i->dir.s) && ia_mkdirs(src.s, 0755, e) &&
         put_template(i, i->lang->name, i->lang->main, e) &&
         put_template(i, "readme", "README.md", e) &&
         put(i, ".gitignore", ia_span_str("/.iapp/\n"), 0644, e) && put_package(i, e) &&
         put_mocks(i, e) && put_config(i, e);
}

static bool init(ia_cli *c, ia_err *e)
{
  IA_AUTOV(initing) i = {0};

  if (!choose(&i, c, e))
    return false;
  if (!make(&i, e)) {
    (void)!ia_remove_tree(i.dir.s, NULL); /* the folder is ours: it was not there before */
    return false;
  }
  bool data = i.features & (IA_WITH_DATA | IA_WITH_BULK);
  ia_cli_out(c, "%s", i.dir.s);
  ia_cli_say(c, "Steps to Get Started:\n  cd %s\n  iapp test%s\n  iapp wallet new\n  iapp deploy",
             i.dir.s, data ? " --data default" : "");
  return ia_cli_json(c,
                     json_pack("{s:s, s:s, s:s, s:s}", "project", i.dir.s, "name", i.name, "lang",
                               i.lang->name, "main", i.lang->main),
                     e);
}

static const ia_option options[] = {
    {"lang", "LANG", false, "c, js, python or sh (python)", "init hello --lang c"},
    {"with", "LIST", false, "what the app uses: args,files,secret,data,bulk,appsecret,callback",
     "init hello --lang python --with data,args"},
    {0},
};

const ia_verb ia_verb_init = {
    .name = "init",
    .args = "[NAME]",
    .min_args = 0,
    .max_args = 1,
    .brief = "make a new project from a template",
    .example = "init hello --lang python --with data",
    .options = options,
    .run = init,
};
