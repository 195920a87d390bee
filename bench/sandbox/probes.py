"""Ways out of a sandbox, and ways to take the machine down from inside: each must be blocked.

A probe is a script that prints ESCAPED when it got through. It must print BLOCKED, so that a probe
which cannot run at all does not count as one that was stopped. `trap.py` sets the scene.
"""

import platform
from typing import Final

CANARY: Final = "canary-7c1e2a"

SYSCALLS = {
    "x86_64": {
        "ptrace": 101, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "reboot": 169,
        "init_module": 175, "keyctl": 250, "unshare": 272, "setns": 308, "perf_event_open": 298,
        "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "userfaultfd": 323,
        "io_uring_setup": 425, "open_tree": 428, "fsopen": 430, "open_by_handle_at": 304,
        "kexec_load": 246, "add_key": 248, "swapon": 167, "settimeofday": 164, "acct": 163,
        "pidfd_getfd": 438,
    },
    "aarch64": {
        "ptrace": 117, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "reboot": 142,
        "init_module": 105, "keyctl": 219, "unshare": 97, "setns": 268, "perf_event_open": 241,
        "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "userfaultfd": 282,
        "io_uring_setup": 425, "open_tree": 428, "fsopen": 430, "open_by_handle_at": 265,
        "kexec_load": 104, "add_key": 217, "swapon": 224, "settimeofday": 170, "acct": 89,
        "pidfd_getfd": 438,
    },
}[platform.machine()]  # fmt: skip
CLONE = {"x86_64": 56, "aarch64": 220}[platform.machine()]
EPERM: Final = 1


def unless(escape: str) -> str:
    """ESCAPED if `escape` succeeds."""
    return f"if {{ {escape}; }} >/dev/null 2>&1; then echo ESCAPED; else echo BLOCKED; fi"


def finds(what: str) -> str:
    return unless(f"find / -path /usr -prune -o -path /proc -prune -o {what} -print | grep .")


ABSTRACT = 'pack_sockaddr_un("\\0podium-probe-$ENV{PORT}")'  # where trap.py listens beside its port


def connects(family: str, address: str) -> str:
    code = f"""use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6); alarm 1;
    socket(my $s, {family}, SOCK_STREAM, 0) or exit 1; exit(connect($s, {address}) ? 0 : 1);"""
    return unless(f"perl -e '{code}'")


def opens_socket(family: int, kind: int) -> str:
    return unless(f"perl -e 'exit(socket(my $s, {family}, {kind}, 0) ? 0 : 1)'")


PROBES: dict[str, str] = {
    "the machine's environment": unless(f"grep -a {CANARY} /proc/[0-9]*/environ"),
    "how it was launched": unless("grep -aE 'bwrap|setpriv|ro-bind' /proc/1/cmdline"),
    "a file of a neighbour": unless("cat $NEIGHBOURS_FILE"),
    "a process of a neighbour": unless("grep -alF $NEIGHBOURS_MARK /proc/[0-9]*/cmdline"),
    "the orchestrator, by the gateway's address": unless("exec 6<>/dev/tcp/$GATEWAY/$PORT"),
    "host file through its path": unless("cat $HOST_FILE"),
    "host file through /proc/*/root": unless("cat /proc/[0-9]*/root$HOST_FILE"),
    "host file through /proc/*/cwd": unless("cat /proc/[0-9]*/cwd$HOST_FILE"),
    "folders of the machine": unless("ls -A $HOST_FOLDER"),
    "keys in home folders": unless("ls -A /home/*/.ssh /root/.ssh"),
    "shadow passwords": unless("cat /etc/shadow"),
    "kernel memory": unless("head -c 1 /proc/kcore || head -c 1 /dev/mem || head -c 1 /dev/kmem"),
    "kernel log": unless("head -c 1 /proc/kmsg || head -c 1 /dev/kmsg || dmesg | grep ."),
    "firmware": unless("ls -A /sys/firmware | grep ."),
    "settings of devices": unless("find /sys -maxdepth 3 -writable | grep ."),
    "block devices": unless("ls /dev/sd* /dev/vd* /dev/nvme* /dev/loop* /dev/kvm /dev/fuse"),
    "sockets in the file system": finds("-type s"),
    "Docker's socket": unless("ls /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock"),
    "a server on the machine's loopback": connects("AF_INET", "sockaddr_in($ENV{PORT}, INADDR_LOOPBACK)"),
    "the same over IPv6": connects("AF_INET6", 'pack_sockaddr_in6($ENV{PORT}, inet_pton(AF_INET6, "::1"))'),
    "cloud metadata": connects("AF_INET", 'sockaddr_in(80, inet_aton("169.254.169.254"))'),
    "the internet": connects("AF_INET", 'sockaddr_in(53, inet_aton("1.1.1.1"))'),
    "name resolution": unless("timeout 2 getent hosts example.com"),
    "an abstract socket of the machine": connects("AF_UNIX", ABSTRACT),
    "other interfaces": unless("grep : /proc/net/dev | grep -v lo:"),
    "raw sockets": opens_socket(2, 3),
    "packet sockets": opens_socket(17, 3),
    "netlink sockets": opens_socket(16, 3),
    "vsock": opens_socket(40, 1),
    "kernel crypto sockets": opens_socket(38, 5),
    "a user namespace": unless("unshare -U true"),
    "a mount namespace": unless("unshare -m true"),
    "set-user-id programs": unless("su root -c true </dev/null || sudo -n true"),
    "new privileges": unless("! grep -q 'NoNewPrivs:.1' /proc/self/status"),
    "capabilities": unless("grep -E 'Cap(Eff|Prm|Bnd|Amb|Inh):' /proc/self/status | grep '[1-9a-f]$'"),
    "core_pattern": unless("echo '|/bin/sh' > /proc/sys/kernel/core_pattern"),
    "any kernel setting": unless("find /proc/sys -type f -writable | grep ."),
    "sysrq": unless("echo h > /proc/sysrq-trigger"),
    "less eager to be killed": unless("echo -1000 > /proc/self/oom_score_adj"),
    "memory of init": unless("head -c 1 /proc/1/mem || printf x > /proc/1/mem"),
    "killing init": unless("kill -KILL 1; sleep 0.1; [ ! -e /proc/1/status ]"),
    "control groups": unless("mkdir /sys/fs/cgroup/x || find /sys/fs/cgroup -writable | grep ."),
    "release_agent": finds("-name release_agent -writable"),
    "writing to /usr": unless("touch /usr/x"),
    "writing to /bin": unless("touch /bin/x || mv /bin /bin2"),
    "writing to /lib": unless("touch /lib/x || mv /lib /lib2"),
    "writing to /etc": unless("touch /etc/ld.so.preload || mv /etc /etc2"),
    "writing to /dev": unless("touch /dev/x || chmod 600 /dev/null"),
    "writing to /proc": unless("touch /proc/x || echo 1 > /proc/irq/default_smp_affinity"),
    "a device of one's own": unless("mknod /tmp/zero c 1 5 && head -c 1 /tmp/zero"),
    "limits taken back": unless("ulimit -n 100000 || ulimit -f unlimited || ulimit -t unlimited"),
    "inherited descriptors": unless("ls /proc/self/fd | grep -vE '^[0-3]$'"),
    "injected terminal input": unless("perl -e 'exit(ioctl(STDIN, 0x5412, \"x\") ? 0 : 1)' < /dev/tty"),
    "a file of the machine by a link": unless("ln $HOST_FILE stolen || { ln -s $HOST_FILE s; cat s; }"),
    "a full work folder beyond its size": unless("head -c 40M /dev/zero > a && head -c 40M /dev/zero > b"),
    "a full /dev/shm": unless("head -c 20M /dev/zero > /dev/shm/big"),
    "a sparse terabyte": unless("truncate -s 1T sparse"),
    "too many processes": "perl -e 'for (1..200) { my $p = fork; print(\"BLOCKED\\n\"), exit"
    " unless defined $p; sleep(2), exit unless $p } print \"ESCAPED\\n\"'",
    "too much memory": unless("perl -e '$x = \"a\" x (700 << 20)'"),
    "too many open files": unless("perl -e 'for (1..1000) { open($f[$_], \"<\", \"/dev/null\") or exit 1 }'"),
    **{
        f"system call {name}": f"perl -e '$! = 0; syscall({number}, 0, 0, 0, 0, 0);"
        f" print(($! + 0) == {EPERM} ? \"BLOCKED\\n\" : \"ESCAPED \" . ($! + 0) . \"\\n\")'"
        for name, number in SYSCALLS.items()
    },
    "clone into a user namespace": f"perl -e 'my $p = syscall({CLONE}, 0x10000011, 0, 0, 0, 0);"
    " exit 0 if $p == 0; print($p > 0 ? \"ESCAPED\\n\" : \"BLOCKED\\n\")'",
}  # fmt: skip

# As root of an image that may be written, with the capabilities of package managers: its own files are its
# own, so what is tried is what is not, and OWN must not be found in a neighbour. A full disk ends the box.
OWN: Final = ("/usr/x", "/bin/x", "/lib/x", "/etc/ld.so.preload", "/dev/x")
_ALLOWED = ("capabilities", "shadow passwords", "writing to /usr", "writing to /bin", "writing to /lib",
            "writing to /etc", "writing to /dev", "a full work folder beyond its size")  # fmt: skip
ROOT_PROBES = {name: probe for name, probe in PROBES.items() if name not in _ALLOWED} | {
    "settings of devices": unless(
        "find /sys -maxdepth 3 -path /sys/fs/cgroup -prune -o -writable -print | grep ."
    ),
    "control groups": unless("mkdir /sys/fs/cgroup/*/x || find /sys/fs/cgroup/*/ -writable | grep ."),
    "more capabilities than seven": unless(
        "grep -E 'Cap(Eff|Prm|Bnd|Amb|Inh):' /proc/self/status | grep -vE '0{16}$|0{14}fb$'"
    ),
    "a disk of the machine": unless("mknod disk b 8 0 || mknod disk b 253 0 || mknod disk b 259 0"),
    "writing to the machine's folder": unless("touch $HOST_FOLDER/x"),
    "mounting": unless("mount -t tmpfs none /mnt || mount -o remount,rw /sys"),
    "files marked for good": unless("touch f && chattr +i f"),
}
