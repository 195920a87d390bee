"""The first process of a container: a script that only its owner can stop, over one stream in and one out.

Its input is the lifeline: when the owner goes, however it goes, the input ends, and with it the container.
A line that begins with `: ` is for the init, any other for the shell. What the init or the shell has to
say stands between NULs in the one stream of output, with a word that only they know, so its place among
the output is certain. `$1` is tar's option for owners. `wait` after the killing: a dying shell takes
nothing of what is meant for the next.
"""

INIT = r"""
exec 3>&1 4<&0 </dev/null 2>/dev/null
ulimit -c 0
work=$PWD
IFS= read -r word <&4
say() { printf '\0%s %s\0' "$word" "$*" >&3; }
shell() {
    { exec 5>&-; } 2>/dev/null
    coproc BOX {
        exec 4<&-
        while :; do
            (cd -- "$work" || cd /; exec -a bash /bin/bash --noprofile --norc -s 2>&1)
            say ended $?
        done
    } >&3
    exec 5>&"${BOX[1]}"
}
owner=$1
put() {
    head -c "$1" <&4 | {
        { [[ -d $2 ]] || mkdir -p -- "$2"; } &&
            tar -x -f - -C "$2" --numeric-owner "$owner" --no-overwrite-dir
        code=$?
        cat > /dev/null
        exit $code
    } 2>&3
    say put $?
}
while read -r name value; do
    case $name in CapEff:|CapBnd:|NoNewPrivs:|Seccomp:) facts+=" $name$value";; esac
done < /proc/self/status
say ready$facts
while IFS= read -r line <&4; do
    case $line in
        ': shell') shell; say shell 0;;
        ': reset') kill -KILL -1; wait; shell; say reset;;
        ': put '*) eval "${line#: }";;
        *) printf '%s\n' "$line" >&5 || { shell; say ended 137; };;
    esac
done
"""
