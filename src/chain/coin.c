/* Amounts of a chain's coin. */
#include "chain/coin.h"

#include <stdio.h>
#include <string.h>

enum { PLACES = 9, GWEI = 1000000000 };

ia_text96 ia_coin_text(const ia_u256 *wei)
{
  const ia_u256 gwei = ia_u256_of(GWEI), one = ia_u256_of(1);
  ia_u256 units, rest;
  ia_text96 out;
  ia_text80 digits;
  size_t n;

  if (!ia_u256_div(&units, &rest, wei, &gwei) ||
      (!ia_u256_zero(&rest) && !ia_u256_add(&units, &units, &one)))
    units = (ia_u256){0};
  digits = ia_u256_dec(&units);
  n = strlen(digits.s);
  if (n > PLACES)
    (void)snprintf(out.s, sizeof(out.s), "%.*s.%s", (int)(n - PLACES), digits.s,
                   digits.s + n - PLACES);
  else
    (void)snprintf(out.s, sizeof(out.s), "0.%0*d%s", (int)(PLACES - n), 0, digits.s);
  if (n == PLACES)
    (void)snprintf(out.s, sizeof(out.s), "0.%s", digits.s);
  for (n = strlen(out.s); out.s[n - 1] == '0'; n--)
    out.s[n - 1] = '\0';
  if (out.s[n - 1] == '.')
    out.s[n - 1] = '\0';
  return out;
}

bool ia_gwei_parse(ia_u256 *wei, const char *text)
{
  char digits[64];
  size_t whole = strspn(text, "0123456789"), places = 0;

  if (whole == 0 || whole > 20)
    return false;
  if (text[whole] == '.')
    places = strspn(text + whole + 1, "0123456789");
  if (text[whole + (text[whole] == '.') + places] != '\0' || places > PLACES ||
      (text[whole] == '.' && places == 0))
    return false;
  if (snprintf(digits, sizeof(digits), "%.*s%.*s%.*s", (int)whole, text, (int)places,
               text[whole] ? text + whole + 1 : "", (int)(PLACES - places), "000000000") < 0)
    return false;
  return ia_u256_parse(wei, ia_span_str(digits), NULL);
}
