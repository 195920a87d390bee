"""What a box must say of itself before it is trusted with anything."""

PROBE = r"""
while read -r key value; do
    case $key in CapEff:|CapBnd:|NoNewPrivs:|Seccomp:) echo "$key$value";; esac
done < /proc/self/status
echo "interfaces:$(grep -c : /proc/net/dev)"
echo "processes:$(ulimit -Hu)"
echo "memory:$(ulimit -Hv)"
(unshare -U true) 2>/dev/null && echo userns:open || echo userns:closed
(echo core > /proc/sys/kernel/core_pattern) 2>/dev/null && echo sysctl:open || echo sysctl:closed
(: > /usr/podium-probe) 2>/dev/null && echo usr:open || echo usr:closed
(ulimit -u 1; exec timeout 5 true) 2>/dev/null && echo forks:unlimited || echo forks:limited
"""

_WANTED = {
    "CapEff:0000000000000000": "no capabilities (CapEff)",
    "CapBnd:0000000000000000": "no capabilities to be had (CapBnd)",
    "NoNewPrivs:1": "no new privileges",
    "Seccomp:2": "a system call filter (seccomp)",
    "interfaces:1": "a network namespace with nothing but lo",
    "processes:64": "a limit on processes",
    "memory:524288": "a limit on memory",
    "userns:closed": "no further user namespaces",
    "sysctl:closed": "a read-only /proc/sys",
    "usr:closed": "a read-only /usr",
    "forks:limited": "a limit on processes that holds",
}


def missing_hardening(report: str) -> list[str]:
    """What the report of PROBE lacks, in words."""
    lines = set(report.splitlines())
    return [name for line, name in _WANTED.items() if line not in lines]
