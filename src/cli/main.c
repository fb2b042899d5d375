/* The program iapp. */
#include <stdio.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
  ia_cli_io io = {stdin, stdout, stderr};

  /* lines of both streams come in the order in which they were said, in a pipe too */
  (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);

  return ia_cli_main(argc, argv, &io);
}
