/* TLS of the listeners, over OpenSSL. */
#include <signal.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/owned.h"
#include "http/server_int.h"

/* A key that a group may read, as those of /etc/ssl/private, is fine; others may not. */
static bool key_is_closed(const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) key = {.secret = true};

  return ia_file_read_of_group(&key, path, 1 << 20, e) || ia_wrap(e, "TLS");
}

bool ia_tls_open(ia_server *s, const ia_listen *at, ia_err *e)
{
  if (!at->tls_cert)
    return true;
  if (!key_is_closed(at->tls_key, e))
    return false;
  s->tls = SSL_CTX_new(TLS_server_method());
  if (!s->tls)
    return ia_fail(e, IA_E_MEMORY, "no memory for TLS");
  SSL_CTX_set_mode(s->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
  (void)SSL_CTX_set_options(s->tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (SSL_CTX_set_min_proto_version(s->tls, TLS1_2_VERSION) != 1 ||
      SSL_CTX_use_certificate_chain_file(s->tls, at->tls_cert) != 1 ||
      SSL_CTX_use_PrivateKey_file(s->tls, at->tls_key, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(s->tls) != 1) {
    ERR_clear_error();
    return ia_fail(e, IA_E_INVALID,
                   "TLS does not start (are the TLS files a PEM certificate and its key?)");
  }
  (void)signal(SIGPIPE, SIG_IGN); /* the library writes without MSG_NOSIGNAL */
  return true;
}

void ia_tls_close(ia_server *s)
{
  SSL_CTX_free(s->tls);
}

bool ia_tls_start(ia_conn *c)
{
  c->tls = SSL_new(c->server->tls);
  if (!c->tls || SSL_set_fd(c->tls, c->fd) != 1)
    return false;
  SSL_set_accept_state(c->tls);
  return true;
}

void ia_tls_say_end(ia_conn *c)
{
  if (c->tls && SSL_is_init_finished(c->tls) && !(SSL_get_shutdown(c->tls) & SSL_SENT_SHUTDOWN))
    (void)SSL_shutdown(c->tls);
  ERR_clear_error();
}

void ia_tls_end(ia_conn *c)
{
  if (!c->tls)
    return;
  ia_tls_say_end(c);
  SSL_free(c->tls);
  c->tls = NULL;
}

static int outcome(const ia_conn *c, int rc, unsigned *events)
{
  int why = SSL_get_error(c->tls, rc);

  ERR_clear_error();
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    *events = why == SSL_ERROR_WANT_READ ? IA_WATCH_READ : IA_WATCH_WRITE;
    return 0;
  }
  return why == SSL_ERROR_ZERO_RETURN ? -1 : TLS_BAD;
}

int ia_tls_handshake(ia_conn *c, unsigned *events)
{
  int rc = SSL_do_handshake(c->tls);

  return rc == 1 ? 1 : outcome(c, rc, events);
}

ssize_t ia_tls_read(ia_conn *c, void *buf, size_t cap, unsigned *events)
{
  size_t n = 0;
  int rc = SSL_read_ex(c->tls, buf, cap, &n);

  return rc == 1 ? (ssize_t)n : outcome(c, rc, events);
}

ssize_t ia_tls_write(ia_conn *c, const void *p, size_t n, unsigned *events)
{
  size_t done = 0;
  int rc = SSL_write_ex(c->tls, p, n, &done);

  return rc == 1 ? (ssize_t)done : outcome(c, rc, events);
}
