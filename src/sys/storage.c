/* storage.c - how fast a file is read from where it is stored. */
#include "sys/storage.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/alloc.h"
#include "sys/clock.h"

#ifndef O_DIRECT
#define O_DIRECT 0
#endif

enum { PIECE = 1 << 20, MOST_PIECES = 64 };

/* Is what was read first in memory? Where the system does not tell, yes. */
static bool is_cached(int fd) {
    unsigned char first = 1;
#ifdef __linux__
    void *p = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return true;
    if (mincore(p, 1, &first)) first = 1;
    munmap(p, 1);
#endif
    return first & 1;
}

/* Bytes per second until the time or the file is over; 0: nothing could be read. */
static double read_speed(int fd, void *piece, double seconds) {
    const double begun = clock_seconds();
    int64_t done = 0;
    for (int i = 0; i < MOST_PIECES && clock_since(begun) < seconds; i++) {
        ssize_t n = pread(fd, piece, PIECE, done);
        if (n <= 0) break;
        done += n;
    }
    return (double)done / clock_since(begun);
}

/* Past the page cache, or else after what the cache has of the file was dropped, if it can be. */
static double open_and_read(const char *path, void *piece, double seconds, bool *cached) {
    int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    double speed = fd >= 0 && O_DIRECT != 0 ? read_speed(fd, piece, seconds) : 0;
    *cached = false;
    if (fd >= 0) close(fd);
    if (speed > 0) return speed;
    errno = 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
#ifdef POSIX_FADV_DONTNEED
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
#endif
    *cached = is_cached(fd);
    speed = read_speed(fd, piece, seconds);
    close(fd);
    return speed;
}

int storage_speed(const char *path, double *bytes_per_second, bool *cached, qw_error *err) {
    void *piece = pages_resize(NULL, 0, PIECE);         /* aligned as O_DIRECT wants it */
    if (!piece) return fail_memory(err, "reading a file", PIECE);
    *bytes_per_second = open_and_read(path, piece, 0.5, cached);
    const int why = errno;
    pages_resize(piece, PIECE, 0);
    if (*bytes_per_second > 0) return 0;
    return fail(err, QW_EIO, "%s: nothing can be read from it%s%s", path, why ? ": " : "",
                why ? strerror(why) : "");
}
