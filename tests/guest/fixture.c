/* An image with one program, and a protected dataset. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "crypto/sha.h"
#include "data/cipher.h"
#include "data/zip.h"
#include "image/tarwrite.h"

static bool to_buf(void *arg, const void *p, size_t n, ia_err *e)
{
  ia_buf_put(arg, p, n);
  return ia_buf_ok(arg, e);
}

static bool layer(ia_buf *tar, ia_span program, ia_err *e)
{
  ia_tar_writer w = {.write = to_buf, .arg = tar};
  ia_autofree ia_tar_entry *entry = calloc(1, sizeof(*entry));

  if (!entry)
    return ia_fail(e, IA_E_MEMORY, "tar");
  *entry = (ia_tar_entry){.type = IA_TAR_DIR, .path = "bin", .mode = 0755};
  if (!ia_tar_write_entry(&w, entry, e))
    return false;
  *entry =
      (ia_tar_entry){.type = IA_TAR_FILE, .path = "bin/app", .mode = 0755, .size = program.len};
  return ia_tar_write_entry(&w, entry, e) && ia_tar_write_data(&w, program.ptr, program.len, e) &&
         ia_tar_write_end(&w, e);
}

bool fixture_image(ia_images **images, ia_h256 *image, const char *dir, const char *app, ia_err *e)
{
  IA_AUTOV(ia_buf) program = {0}, tar = {0}, config = {0}, manifest = {0};
  ia_h256 diff, cfg;
  ia_path path;

  if (!ia_path_join(&path, e, "%s/images", dir) || !ia_images_open(images, path.s, e) ||
      !ia_file_read(&program, app, 32 << 20, e) || !layer(&tar, ia_buf_view(&program), e) ||
      !ia_images_put(*images, &diff, ia_buf_view(&tar), e))
    return false;
  ia_buf_printf(&config,
                "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Entrypoint\":"
                "[\"/bin/app\"],\"Cmd\":[\"cmd\"],\"Env\":[\"COLOUR=blue\",\"IEXEC_OUT=/evil\"],"
                "\"Labels\":{\"dev.iapp.content.1\":\"where\",\"dev.iapp.content.x\":\"no\"}},"
                "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
                ia_oci_digest_format(&diff).s);
  if (!ia_images_put(*images, &cfg, ia_buf_view(&config), e))
    return false;
  ia_buf_printf(&manifest,
                "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
                "\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
                "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
                ia_oci_digest_format(&cfg).s, config.len, ia_oci_digest_format(&diff).s, tar.len);
  return ia_images_put(*images, image, ia_buf_view(&manifest), e);
}

bool fixture_dataset(fake_host *h, ia_err *e)
{
  return fixture_values(h, 0, 0, e);
}

static bool add_values(ia_zip_writer *z, size_t n, size_t bytes, ia_err *e)
{
  ia_autofree uint8_t *filler = calloc(1, bytes + 1);
  char name[24];

  if (!filler)
    return ia_fail(e, IA_E_MEMORY, "values");
  for (size_t i = 0; i < n; i++) {
    (void)snprintf(name, sizeof(name), "v%zu", i);
    if (!ia_zip_add_stored(z, name, ia_blob_mem(ia_span_of(filler, bytes)), e))
      return false;
  }
  return true;
}

bool fixture_values(fake_host *h, size_t n, size_t bytes, ia_err *e)
{
  IA_AUTO(ia_zip_writer) *z = NULL;
  IA_AUTO(ia_data_writer) *w = NULL;
  IA_AUTOV(ia_buf) text = {0};

  ia_buf_free(&h->plain);
  ia_buf_free(&h->sealed);
  ia_secret_free(&h->data_key);
  ia_buf_u32le(&text, sizeof(MARKER) - 1);
  ia_buf_str(&text, MARKER);
  if (!ia_zip_writer_new(&z, ia_sink_buf(&h->plain), e) ||
      !ia_zip_add_stored(z, "secretText", ia_blob_mem(ia_buf_view(&text)), e) ||
      !add_values(z, n, bytes, e) || !ia_zip_finish(z, e) ||
      !ia_secret_random(&h->data_key, 32, e) ||
      !ia_data_writer_new(&w, ia_sink_buf(&h->sealed), &h->data_key, NULL, e) ||
      !ia_sink_write(ia_data_writer_sink(w), ia_buf_view(&h->plain), e))
    return false;
  return ia_data_writer_end(w, &h->checksum, NULL, e);
}

void fixture_second(fake_host *h)
{
  IA_AUTO(ia_data_writer) *w = NULL;

  ia_buf_free(&h->second);
  if (h->plan->second == BAD_LENGTH) {
    ia_buf_str(&h->second, "forty-one bytes that are no ciphertext ..");
  } else if (h->plan->second == BAD_ARCHIVE) {
    assert_true(ia_data_writer_new(&w, ia_sink_buf(&h->second), &h->data_key, NULL, NULL));
    assert_true(ia_sink_write(ia_data_writer_sink(w), ia_span_str("no archive"), NULL));
    assert_true(ia_data_writer_end(w, NULL, NULL, NULL));
  } else {
    ia_buf_span(&h->second, ia_buf_view(&h->sealed));
  }
  ia_sha256(&h->second_checksum, ia_buf_view(&h->second));
}

ia_span fixture_second_key(const fake_host *h, ia_buf *room, ia_span right)
{
  if (h->plan->second == BAD_KEY_TEXT)
    return ia_span_str("not a key");
  if (h->plan->second != BAD_KEY_OTHER)
    return right;
  ia_buf_base64(room, ia_secret_view(&h->other_seed));
  return ia_buf_view(room);
}

static bool cannot_fetch(const fake_plan *p, bool second)
{
  return p->no_data || (second ? p->second == BAD_NO_BYTES : p->both_bad);
}

bool fixture_file(ia_buf *out, fake_host *h, const char *kind, bool second, uint64_t max)
{
  const fake_plan *p = h->plan;

  if (p->refuse || cannot_fetch(p, second)) {
    ia_buf_str(out, p->refuse ? p->refuse : "{\"code\":\"NOT_FOUND\",\"message\":\"\"}");
    return false;
  }
  if (strcmp(kind, "input") == 0)
    ia_buf_str(out, p->input);
  else
    ia_buf_span(out, ia_buf_view(second ? &h->second : p->local ? &h->plain : &h->sealed));
  if (p->bad_data || (second && p->second == BAD_BYTES))
    out->ptr[out->len / 2] ^= 1;
  if (!p->own_limit || out->len <= max)
    return true;
  size_t size = out->len;
  ia_buf_clear(out);
  ia_buf_printf(out, "{\"code\":\"TOO_LARGE\",\"message\":\"no\",\"size\":%zu}", size);
  return false;
}
