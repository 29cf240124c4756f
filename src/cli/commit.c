/* commit.c - which commit this is (QW_COMMIT, Makefile): all that is compiled for each one. */
#include "cli/cli.h"

const char build_commit[] = QW_COMMIT;
