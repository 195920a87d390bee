"""The system call filter of containers: what ordinary programs need, and nothing else.

Narrower than Docker's own: no tracing or reading of other processes, no io_uring, no keys, no other
namespaces, and of sockets only UNIX and IP. What a kernel or engine does not know is left out by it.
"""

import json
from typing import Any

_ALLOWED = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 sendfile sendfile64 splice tee
vmsplice copy_file_range readahead lseek _llseek close close_range dup dup2 dup3 pipe pipe2 fcntl fcntl64
open openat openat2 creat access faccessat faccessat2 stat stat64 fstat fstat64 lstat lstat64 newfstatat
fstatat64 statx statfs statfs64 fstatfs fstatfs64 readlink readlinkat getdents getdents64 getcwd chdir fchdir
mkdir mkdirat rmdir link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 mknod mknodat
chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 umask
truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 fsync fdatasync sync syncfs
sync_file_range utime utimes utimensat utimensat_time64 futimesat flock
getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr
removexattr lremovexattr fremovexattr inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
mmap mmap2 mprotect munmap mremap madvise msync mincore mlock mlock2 mlockall munlock munlockall brk
membarrier memfd_create pkey_alloc pkey_free pkey_mprotect remap_file_pages set_thread_area get_thread_area
fork vfork execve execveat exit exit_group wait4 waitid waitpid set_tid_address set_robust_list
get_robust_list rseq futex futex_time64 futex_waitv arch_prctl prctl seccomp capget capset
getpid getppid gettid getpgid getpgrp setpgid setsid getsid getuid getuid32 geteuid geteuid32 getgid getgid32
getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid
setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setgroups
setgroups32 setfsuid setfsuid32 setfsgid setfsgid32 getpriority setpriority getrusage getrlimit ugetrlimit
setrlimit prlimit64 times sysinfo uname getcpu ioprio_get ioprio_set
sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler
sched_setscheduler sched_getattr sched_setattr sched_get_priority_max sched_get_priority_min
sched_rr_get_interval sched_rr_get_interval_time64
kill tkill tgkill pause alarm rt_sigaction rt_sigprocmask rt_sigpending rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_sigtimedwait_time64 rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack sigreturn sigprocmask
signalfd signalfd4 pidfd_open pidfd_send_signal restart_syscall
nanosleep clock_nanosleep clock_nanosleep_time64 clock_gettime clock_gettime64 clock_getres
clock_getres_time64 gettimeofday time getitimer setitimer timer_create timer_delete timer_getoverrun
timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
timerfd_settime timerfd_settime64
poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 epoll_ctl
epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2
socketpair bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt shutdown send
sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 getrandom
io_setup io_submit io_getevents io_pgetevents io_cancel io_destroy
mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedreceive mq_timedsend_time64
mq_timedreceive_time64 msgget msgctl msgsnd msgrcv semget semctl semop semtimedop semtimedop_time64 shmget
shmat shmctl shmdt ipc landlock_create_ruleset landlock_add_rule landlock_restrict_self
"""
_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW* flag that clone() takes
_SOCKET_FAMILIES = (1, 2, 10)  # UNIX, INET, INET6
_PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_EAFNOSUPPORT, _ENOSYS, _EPERM = 97, 38, 1


def seccomp_profile() -> str:
    """The profile as JSON, as Docker's option `seccomp=` takes it."""
    rules: list[dict[str, Any]] = [
        {"names": _ALLOWED.split(), "action": "SCMP_ACT_ALLOW"},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},  # its flags cannot be read
        _allowed("clone", 0, "SCMP_CMP_MASKED_EQ", _NEW_NAMESPACES, 0),
        *(_allowed("socket", 0, "SCMP_CMP_EQ", family) for family in _SOCKET_FAMILIES),
        *(_allowed("personality", 0, "SCMP_CMP_EQ", one) for one in _PERSONALITIES),
        *_ioctl(),
    ]
    architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]
    default = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": _EPERM}
    return json.dumps({**default, "architectures": architectures, "syscalls": rules})


def _allowed(name: str, index: int, compare: str, value: int, second: int = 0) -> dict[str, Any]:
    arguments = [{"index": index, "op": compare, "value": value, "valueTwo": second}]
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": arguments}


def _ioctl() -> list[dict[str, Any]]:
    """All requests but those that type into a terminal; rules may not exclude, so they enclose."""
    low, high = _TERMINAL_INJECTION
    return [
        _allowed("ioctl", 1, "SCMP_CMP_LT", low),
        _allowed("ioctl", 1, "SCMP_CMP_GT", high),
        *(_allowed("ioctl", 1, "SCMP_CMP_EQ", request) for request in range(low + 1, high)),
    ]
