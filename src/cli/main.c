/* The program iapp. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
  ia_cli_io io = {stdin, stdout, stderr};

  return ia_cli_main(argc, argv, &io);
}
