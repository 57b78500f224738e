/* Fails the so-manieth call that reaches a folder: preloaded before a process, and told what to do through a file that it
   maps. FAULT_FOLDER: below it; FAULT_CONTROL: the file, of these numbers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { NONE, FULL, EIO_, SHORT, SYNC, READ };                        /* what goes wrong */
enum { WRITES = 1, MAKES = 2, SYNCS = 4, READS = 8, RENAMES = 16 };  /* what a call does */

struct control {
    volatile int mode;  /* one of the first enum; NONE: nothing is counted */
    volatile int at;    /* the call that fails, from 1 */
    volatile int stays; /* so do all calls after it */
    volatile int count; /* calls so far that could fail */
    volatile int hits;  /* calls that did */
};

static struct control *control;
static char folder[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_CONTROL"), *below = getenv("FAULT_FOLDER");
    if (!path || !below) return;
    int (*opens)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = opens(path, O_RDWR);
    if (fd < 0) return;
    void *found = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (found == MAP_FAILED) return;
    strncpy(folder, below, sizeof folder - 1);
    control = found;
}

static int concerns(int mode, int does) {
    switch (mode) {
    case FULL: return does & (WRITES | MAKES);
    case EIO_: return does & (WRITES | SYNCS | RENAMES);
    case SHORT: return does & WRITES;
    case SYNC: return does & SYNCS;
    case READ: return does & READS;
    }
    return 0;
}

/* Whether this call is to fail. */
static int fails(const char *path, int does) {
    if (!control || !concerns(control->mode, does) || strncmp(path, folder, strlen(folder))) return 0;
    int n = __sync_add_and_fetch(&control->count, 1);
    if (n != control->at && !(control->stays && n > control->at)) return 0;
    __sync_add_and_fetch(&control->hits, 1);
    errno = control->mode == FULL ? ENOSPC : EIO;
    return 1;
}

static int fails_at(int fd, int does) {
    char link[64], path[PATH_MAX];
    if (!control || !concerns(control->mode, does)) return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = before;
    if (size < 0) return 0;
    path[size] = 0;
    return fails(path, does);
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = dlsym(RTLD_NEXT, name)

#define SHORTER(size) (control->mode == SHORT && (size) > 1)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (!fails_at(fd, WRITES)) return real(fd, data, size);
    return SHORTER(size) ? real(fd, data, size / 2) : control->mode == SHORT ? real(fd, data, size) : -1;
}

#define PWRITE(name, offset_type) \
    ssize_t name(int fd, const void *data, size_t size, offset_type at) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        if (!fails_at(fd, WRITES)) return real(fd, data, size, at); \
        return SHORTER(size) ? real(fd, data, size / 2, at) : control->mode == SHORT ? real(fd, data, size, at) : -1; \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PREAD(name, offset_type) \
    ssize_t name(int fd, void *data, size_t size, offset_type at) { \
        REAL(ssize_t, #name, int, void *, size_t, offset_type); \
        return fails_at(fd, READS) ? -1 : real(fd, data, size, at); \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t read(int fd, void *data, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    return fails_at(fd, READS) ? -1 : real(fd, data, size);
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    return fails_at(fd, SYNCS) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return fails_at(fd, SYNCS) ? -1 : real(fd);
}

int ftruncate(int fd, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    return fails_at(fd, WRITES) ? (errno = EIO, -1) : real(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    return fails_at(fd, WRITES) ? (errno = EIO, -1) : real(fd, size);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return fails(to, RENAMES) ? -1 : real(from, to);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        if (flags & O_CREAT && access(path, F_OK) && fails(path, MAKES)) return -1; \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
