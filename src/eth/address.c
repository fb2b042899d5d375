/* EIP-55 addresses. */
#include "eth/address.h"

#include <ctype.h>

#include "crypto/keccak.h"

ia_text43 ia_addr_text(const ia_addr *a)
{
  ia_text43 t = ia_addr_lower(a);
  ia_h256 h;

  ia_keccak256(&h, ia_span_of(t.s + 2, 40));
  for (size_t i = 0; i < 40; i++) {
    unsigned nibble = i % 2 ? h.b[i / 2] & 15 : h.b[i / 2] >> 4;

    if (nibble >= 8)
      t.s[2 + i] = (char)toupper((unsigned char)t.s[2 + i]);
  }
  return t;
}

static bool not_an_address(ia_span text, ia_err *e)
{
  bool prefix = text.len > 2 && text.ptr[0] == '0' && text.ptr[1] == 'x';
  size_t n = prefix ? text.len - 2 : text.len;
  bool hex = n > 0;

  for (size_t i = text.len - n; i < text.len && hex; i++)
    hex = isxdigit(text.ptr[i]) != 0;
  if (hex && n == 40)
    (void)ia_fail(e, IA_E_PARSE, "the address lacks 0x in front");
  else if (hex && prefix && n > 0)
    (void)ia_fail(e, IA_E_PARSE, "the address has %zu digits after 0x; an address has 40", n);
  else
    (void)ia_fail(e, IA_E_PARSE, "not an address: want 0x and 40 hex digits");
  return false;
}

bool ia_addr_parse(ia_addr *out, ia_span text, ia_err *e)
{
  bool lower = false, upper = false;
  ia_addr a;

  if (text.len != 42 || text.ptr[0] != '0' || text.ptr[1] != 'x' ||
      !ia_unhex(a.b, sizeof(a.b), text))
    return not_an_address(text, e);
  for (size_t i = 2; i < 42; i++) {
    lower |= islower(text.ptr[i]) != 0;
    upper |= isupper(text.ptr[i]) != 0;
  }
  if (lower && upper && memcmp(ia_addr_text(&a).s, text.ptr, 42) != 0) {
    ia_fail(e, IA_E_PARSE, "the checksum of the address %.42s is wrong", (const char *)text.ptr);
    return ia_hint(e, "compare it with its source: a digit or the case of a letter is mistyped");
  }
  *out = a;
  return true;
}
