/* filter.c - COMMAND... under a filter like Android's: sched_yield, sched_getaffinity and sysinfo
 * end as SIGSYS. Exit code 77: this system has no such filters. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_FILTERS = 77 };

static int forbid(void) {
#define FORBID(call) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        FORBID(SYS_sched_yield),
        FORBID(SYS_sched_getaffinity),
        FORBID(SYS_sysinfo),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What does not care for SIGSYS must die of it, or the filter does nothing. */
static int filter_works(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (forbid() != 0) _exit(NO_FILTERS);
        syscall(SYS_sched_yield);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGSYS;
}

int main(int argc, char **argv) {
    if (argc < 2 || !filter_works() || forbid() != 0) return NO_FILTERS;
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 1;
}
